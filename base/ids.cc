#include "skald/ids.h"

#include <fmt/format.h>

#include <array>

namespace skald {
namespace {

// Days since 1970 of a proleptic Gregorian date and back (Hinnant, "chrono-compatible low-level
// date algorithms").
constexpr std::int64_t days_from_civil(std::int64_t y, unsigned m, unsigned d) {
    y -= m <= 2;
    const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
    const auto yoe = static_cast<unsigned>(y - era * 400);
    const unsigned doy = (153 * (m + (m > 2 ? -3U : 9U)) + 2) / 5 + d - 1;
    const unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + static_cast<std::int64_t>(doe) - 719468;
}

struct Civil {
    std::int64_t year;
    unsigned month;
    unsigned day;
};

constexpr Civil civil_from_days(std::int64_t z) {
    z += 719468;
    const std::int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    const auto doe = static_cast<unsigned>(z - era * 146097);
    const unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const unsigned mp = (5 * doy + 2) / 153;
    const unsigned month = mp < 10 ? mp + 3 : mp - 9;
    return {static_cast<std::int64_t>(yoe) + era * 400 + (month <= 2), month,
            doy - (153 * mp + 2) / 5 + 1};
}

static_assert(days_from_civil(1970, 1, 1) == 0);
static_assert(civil_from_days(days_from_civil(2024, 2, 29)).day == 29);

// Reads digits off the front of a text.
class Digits {
  public:
    explicit Digits(std::string_view text) : rest_(text) {}

    bool number(std::size_t width, unsigned& value) {
        if (rest_.size() < width) {
            return false;
        }
        value = 0;
        for (const char c : rest_.substr(0, width)) {
            if (c < '0' || c > '9') {
                return false;
            }
            value = value * 10 + static_cast<unsigned>(c - '0');
        }
        rest_.remove_prefix(width);
        return true;
    }
    bool one_of(std::string_view set, char& found) {
        if (rest_.empty() || set.find(rest_[0]) == std::string_view::npos) {
            return false;
        }
        found = rest_[0];
        rest_.remove_prefix(1);
        return true;
    }
    bool is(char c) {
        char found = 0;
        return one_of({&c, 1}, found);
    }
    std::string_view& rest() { return rest_; }

  private:
    std::string_view rest_;
};

bool parse_fraction(Digits& text, std::int64_t& us) {
    us = 0;
    if (!text.is('.')) {
        return true;
    }
    std::size_t digits = 0;
    unsigned digit = 0;
    for (std::int64_t scale = 100'000; text.number(1, digit); scale /= 10) {
        us += digit * scale;
        ++digits;
    }
    return digits >= 1 && digits <= 9;
}

bool parse_zone(Digits& text, std::int64_t& minutes) {
    minutes = 0;
    char sign = 0;
    if (text.one_of("Zz", sign)) {
        return text.rest().empty();
    }
    unsigned h = 0;
    unsigned m = 0;
    if (!text.one_of("+-", sign) || !text.number(2, h) || !text.is(':') || !text.number(2, m)) {
        return false;
    }
    minutes = (sign == '-' ? -1 : 1) * static_cast<std::int64_t>(h * 60 + m);
    return h < 24 && m < 60 && text.rest().empty();
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

constexpr bool hyphen_before(std::size_t byte) {
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

}  // namespace

std::string to_string(Time time) {
    std::int64_t seconds = time.us / 1'000'000;
    std::int64_t us = time.us % 1'000'000;
    if (us < 0) {
        us += 1'000'000;
        --seconds;
    }
    std::int64_t days = seconds / 86400;
    std::int64_t second = seconds % 86400;
    if (second < 0) {
        second += 86400;
        --days;
    }
    const Civil date = civil_from_days(days);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", date.year, date.month,
                       date.day, second / 3600, second / 60 % 60, second % 60, us);
}

std::optional<Time> parse_time(std::string_view text) {
    Digits in(text);
    unsigned year = 0;
    unsigned month = 0;
    unsigned day = 0;
    unsigned hour = 0;
    unsigned minute = 0;
    unsigned second = 0;
    char separator = 0;
    std::int64_t us = 0;
    std::int64_t zone = 0;
    const bool shaped = in.number(4, year) && in.is('-') && in.number(2, month) && in.is('-') &&
                        in.number(2, day) && in.one_of("Tt ", separator) && in.number(2, hour) &&
                        in.is(':') && in.number(2, minute) && in.is(':') && in.number(2, second) &&
                        parse_fraction(in, us) && parse_zone(in, zone);
    if (!shaped || year == 0 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 ||
        second > 60) {
        return std::nullopt;
    }
    const std::int64_t days = days_from_civil(year, month, day);
    if (civil_from_days(days).day != day) {
        return std::nullopt;
    }
    const std::int64_t seconds = days * 86400 + hour * 3600 + minute * 60 + second - zone * 60;
    return Time{seconds * 1'000'000 + us};
}

std::string to_string(const Uuid& id) {
    static constexpr char kHex[] = "0123456789abcdef";
    std::string text;
    text.reserve(36);
    for (std::size_t i = 0; i < id.bytes.size(); ++i) {
        if (hyphen_before(i)) {
            text += '-';
        }
        text += kHex[id.bytes[i] >> 4];
        text += kHex[id.bytes[i] & 15];
    }
    return text;
}

std::optional<Uuid> parse_uuid(std::string_view text) {
    if (text.size() != 36) {
        return std::nullopt;
    }
    Uuid id;
    std::size_t at = 0;
    for (std::size_t i = 0; i < id.bytes.size(); ++i) {
        if (hyphen_before(i) && text[at++] != '-') {
            return std::nullopt;
        }
        const int high = hex_digit(text[at]);
        const int low = hex_digit(text[at + 1]);
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        id.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
        at += 2;
    }
    return id;
}

}  // namespace skald
