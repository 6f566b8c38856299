#include "base/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <limits>
#include <span>
#include <string>

#include "base/duration.h"
#include "base/limits.h"

namespace skald {
namespace {

using std::chrono::days;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::sys_days;
using std::chrono::sys_time;
using std::chrono::year_month;
using std::chrono::year_month_day;

constexpr auto npos = std::string_view::npos;
constexpr std::string_view kBlanks = " \t";

constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdays = {"sun", "mon", "tue", "wed",
                                                       "thu", "fri", "sat"};

struct Field {
    std::string_view name;
    unsigned low;
    unsigned high;
    std::span<const std::string_view> names = {};  // the first for low
};

constexpr std::array<Field, 5> kFields = {{{"minute", 0, 59},
                                           {"hour", 0, 23},
                                           {"day-of-month", 1, 31},
                                           {"month", 1, 12, kMonths},
                                           {"day-of-week", 0, 7, kWeekdays}}};

constexpr std::array<std::array<std::string_view, 2>, 5> kShorthands = {{{"@hourly", "0 * * * *"},
                                                                         {"@daily", "0 0 * * *"},
                                                                         {"@weekly", "0 0 * * 0"},
                                                                         {"@monthly", "0 0 1 * *"},
                                                                         {"@yearly", "0 0 1 1 *"}}};

constexpr sys_days kFirstDay = std::chrono::year(1) / 1 / 1;
constexpr sys_days kLastDay = std::chrono::year(9999) / 12 / 31;
// The calendar repeats itself after these: what is not due within them never is.
constexpr int kCalendarMonths = 400 * 12;

Error refused(std::string what) {
    return {Errc::invalid_argument, std::move(what)};
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = std::min(text.find_first_not_of(kBlanks), text.size());
    return text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
}

// Cuts what stands before the separator, or all, off the front of the text.
std::string_view take(std::string_view& text, std::string_view separators) {
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    const std::string_view taken = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return taken;
}

std::optional<unsigned> whole_number(std::string_view text) {
    unsigned value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, problem] = std::from_chars(text.data(), end, value);
    return problem == std::errc{} && stop == end ? std::optional(value) : std::nullopt;
}

bool same_letters(std::string_view text, std::string_view lower) {
    return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
        return a == b || (a >= 'A' && a <= 'Z' && a - 'A' + 'a' == b);
    });
}

Result<unsigned> field_value(const Field& field, std::string_view text) {
    const auto name = std::find_if(field.names.begin(), field.names.end(),
                                   [&](auto known) { return same_letters(text, known); });
    if (name != field.names.end()) {
        return field.low + static_cast<unsigned>(name - field.names.begin());
    }
    const auto value = whole_number(text);
    if (value && *value >= field.low && *value <= field.high) {
        return *value;
    }
    return refused(fmt::format(
        "{:?} is no {}: write a number from {} to {}{}", text, field.name, field.low, field.high,
        field.names.empty() ? std::string(", or *")
                            : fmt::format(", a name as {}, or *", field.names[1])));
}

struct Range {
    unsigned low;
    unsigned high;
};

// One element of a list, without its step.
Result<Range> field_range(const Field& field, std::string_view text) {
    if (text == "*") {
        return Range{field.low, field.high};
    }
    const std::size_t dash = text.find('-');
    const auto low = field_value(field, text.substr(0, dash));
    if (!low) {
        return low.error();
    }
    if (dash == npos) {
        return Range{*low, *low};
    }
    const auto high = field_value(field, text.substr(dash + 1));
    if (!high) {
        return high.error();
    }
    if (*low > *high) {
        return refused(fmt::format("{} {:?} goes down: write {}-{},{}-{}", field.name, text, *low,
                                   field.high, field.low, *high));
    }
    return Range{*low, *high};
}

Result<unsigned> field_step(const Field& field, std::string_view range, std::string_view step) {
    if (range.find_first_of("*-") == npos) {
        return refused(fmt::format("{} \"{}/{}\" has a step without a range: write {}-{}/{}",
                                   field.name, range, step, range, field.high, step));
    }
    const unsigned count = field.high - field.low + 1;
    const auto value = whole_number(step);
    if (!value || *value < 1 || *value > count) {
        return refused(fmt::format("{} has a step of {:?}: write a number from 1 to {}", field.name,
                                   step, count));
    }
    return *value;
}

Result<std::uint64_t> field_bits(const Field& field, std::string_view list) {
    std::uint64_t bits = 0;
    for (bool more = true; more;) {
        more = list.find(',') != npos;
        const std::string_view element = take(list, ",");
        const std::size_t slash = element.find('/');
        const auto range = field_range(field, element.substr(0, slash));
        if (!range) {
            return range.error();
        }
        const auto step =
            slash == npos ? Result<unsigned>(1)
                          : field_step(field, element.substr(0, slash), element.substr(slash + 1));
        if (!step) {
            return step.error();
        }
        for (unsigned value = range->low; value <= range->high; value += *step) {
            bits |= std::uint64_t{1} << value;
        }
    }
    return bits;
}

Result<microseconds> parse_every(std::string_view text) {
    const auto period = parse_duration(trimmed(text));
    if (period && *period >= limits::kScheduleEveryMin && *period <= limits::kScheduleEveryMax) {
        return *period;
    }
    return refused(
        fmt::format("{:?} is no duration from 10ms to 366d: write every 500ms, 10s, 5m, 1h or 7d",
                    trimmed(text)));
}

std::optional<Time> next_multiple(microseconds period, Time anchor, Time after) {
    if (after < anchor) {
        return anchor;
    }
    // Unsigned, since the distance may be more than 63 bits.
    const auto step = static_cast<std::uint64_t>(period.count());
    const auto passed =
        static_cast<std::uint64_t>(after.us) - static_cast<std::uint64_t>(anchor.us);
    const auto left = static_cast<std::int64_t>(step - passed % step);
    if (after.us > std::numeric_limits<std::int64_t>::max() - left) {
        return std::nullopt;
    }
    return Time{after.us + left};
}

}  // namespace

Result<Schedule::Fields> Schedule::parse_fields(std::string_view text) {
    std::array<std::string_view, kFields.size()> written;
    std::size_t count = 0;
    for (std::string_view rest = trimmed(text); !rest.empty(); rest = trimmed(rest)) {
        const std::string_view field = take(rest, kBlanks);
        if (count < written.size()) {
            written[count] = field;
        }
        ++count;
    }
    if (count != written.size()) {
        return refused(
            fmt::format("has {} fields: write minute hour day-of-month month day-of-week, as 0 8 * "
                        "* mon-fri, or every 10s, or @hourly, @daily, @weekly, @monthly, @yearly",
                        count));
    }
    std::array<std::uint64_t, kFields.size()> bits{};
    for (std::size_t i = 0; i < bits.size(); ++i) {
        const auto field = field_bits(kFields[i], written[i]);
        if (!field) {
            return field.error();
        }
        bits[i] = *field;
    }
    const Fields fields{bits[0],
                        bits[1],
                        bits[2],
                        bits[3],
                        (bits[4] | bits[4] >> 7) & 0x7f,
                        written[2].find('*') == npos && written[4].find('*') == npos};
    if (!next_day(fields, kFirstDay)) {
        return refused(
            fmt::format("is never due: no month of {:?} has a day of {:?}: write a "
                        "day-of-month that one has",
                        written[3], written[2]));
    }
    return fields;
}

Result<Schedule> Schedule::parse(std::string_view text) {
    if (text.size() > limits::kScheduleBytesMax) {
        return refused(fmt::format("schedule has {} bytes: write at most {}", text.size(),
                                   limits::kScheduleBytesMax));
    }
    const auto in_schedule = [&](const Error& error) {
        return refused(fmt::format("schedule {:?}: {}", text, error.message));
    };
    std::string_view words = trimmed(text);
    std::string_view rest = words;
    if (take(rest, kBlanks) == "every") {
        const auto period = parse_every(rest);
        return period ? Result<Schedule>(Schedule(*period)) : in_schedule(period.error());
    }
    for (const auto& [name, meaning] : kShorthands) {
        words = words == name ? meaning : words;
    }
    const auto fields = parse_fields(words);
    return fields ? Result<Schedule>(Schedule(*fields)) : in_schedule(fields.error());
}

std::optional<Time> Schedule::next(Time anchor, Time after) const {
    if (const auto* const period = std::get_if<microseconds>(&form_)) {
        return next_multiple(*period, anchor, after);
    }
    return next_minute(std::get<Fields>(form_), after);
}

std::uint64_t Schedule::days_due(const Fields& fields, year_month month) {
    const unsigned first = std::chrono::weekday(sys_days(month / 1)).c_encoding();
    const auto last = static_cast<unsigned>((month / std::chrono::last).day());
    std::uint64_t of_month = 0;
    std::uint64_t by_weekday = 0;
    for (unsigned day = 1; day <= last; ++day) {
        const std::uint64_t bit = std::uint64_t{1} << day;
        of_month |= bit;
        by_weekday |= (fields.weekdays >> (first + day - 1) % 7 & 1) != 0 ? bit : 0;
    }
    return of_month & (fields.either_day ? fields.days | by_weekday : fields.days & by_weekday);
}

std::optional<sys_days> Schedule::next_day(const Fields& fields, sys_days from) {
    const year_month_day date(from);
    year_month month(date.year(), date.month());
    std::uint64_t later = ~std::uint64_t{0} << static_cast<unsigned>(date.day());
    for (int i = 0; i <= kCalendarMonths && month.year() <= std::chrono::year(9999); ++i) {
        if ((fields.months >> static_cast<unsigned>(month.month()) & 1) != 0) {
            const std::uint64_t due = days_due(fields, month) & later;
            if (due != 0) {
                return month / static_cast<int>(std::countr_zero(due));
            }
        }
        later = ~std::uint64_t{0};
        month += std::chrono::months(1);
    }
    return std::nullopt;
}

std::optional<minutes> Schedule::due_in_day(const Fields& fields, minutes from) {
    const auto first = static_cast<unsigned>(from.count());
    std::uint64_t later = ~std::uint64_t{0} << first % 60;
    for (unsigned hour = first / 60; hour < 24; ++hour) {
        const std::uint64_t due = fields.minutes & later;
        if ((fields.hours >> hour & 1) != 0 && due != 0) {
            return minutes(hour * 60 + static_cast<unsigned>(std::countr_zero(due)));
        }
        later = ~std::uint64_t{0};
    }
    return std::nullopt;
}

std::optional<Time> Schedule::next_minute(const Fields& fields, Time after) {
    // The calendar of std::chrono has 16 bits for years, Time has room for more.
    const auto at =
        std::clamp<sys_time<microseconds>>(sys_time<microseconds>(microseconds(after.us)),
                                           kFirstDay - microseconds(1), kLastDay + days(1));
    sys_time<minutes> from = std::chrono::floor<minutes>(at) + minutes(1);
    while (const auto day = next_day(fields, std::chrono::floor<days>(from))) {
        if (const auto minute =
                due_in_day(fields, std::max<sys_time<minutes>>(from, *day) - *day)) {
            return Time{microseconds(day->time_since_epoch() + *minute).count()};
        }
        from = *day + days(1);
    }
    return std::nullopt;
}

}  // namespace skald
