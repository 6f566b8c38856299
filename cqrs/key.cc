#include "skald/cqrs/key.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cmath>

#include "base/glob.h"

namespace skald::cqrs {
namespace {

// Before each value, so that a missing one has a place in the order.
constexpr char kNull = 0;
constexpr char kValue = 1;
// Text ends with 00 01 and holds 00 as 00 FF: no text is the beginning of another.
constexpr char kEnd = 1;
constexpr char kZero = static_cast<char>(0xff);
constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
constexpr std::size_t kIntegerBytes = 9;  // with the mark before it

void append_big_endian(std::string& out, std::uint64_t value) {
    char bytes[kIntegerBytes];
    bytes[0] = kValue;
    value = __builtin_bswap64(value);
    __builtin_memcpy(bytes + 1, &value, sizeof value);
    out.append(bytes, sizeof bytes);
}

std::uint64_t load_big_endian(std::string_view bytes) {
    std::uint64_t value = 0;
    __builtin_memcpy(&value, bytes.data() + 1, sizeof value);
    return __builtin_bswap64(value);
}

template <typename T>
std::optional<T> parsed_number(std::string_view text) {
    T value{};
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = failed == std::errc() && end == text.data() + text.size();
    return whole ? std::optional(value) : std::nullopt;
}

std::size_t text_bytes(std::string_view bytes) {
    std::size_t at = 1;
    while (!(bytes[at] == 0 && bytes[at + 1] == kEnd)) {
        at += bytes[at] == 0 ? 2 : 1;
    }
    return at + 2;
}

// Of the first value in bytes that this program made.
std::size_t value_bytes(KeyKind kind, std::string_view bytes) {
    if (bytes.front() == kNull) {
        return 1;
    }
    switch (kind) {
        case KeyKind::boolean:
            return 2;
        case KeyKind::text:
            return text_bytes(bytes);
        case KeyKind::uuid:
            return 1 + sizeof(Uuid);
        default:
            return kIntegerBytes;
    }
}

// Whether value_bytes() may look at them.
bool is_whole(KeyKind kind, std::string_view bytes) {
    if (bytes.empty() || bytes.front() == kNull) {
        return !bytes.empty();
    }
    static constexpr char kTextEnd[] = {'\0', kEnd};
    return kind == KeyKind::text ? bytes.find(std::string_view(kTextEnd, 2), 1) != bytes.npos
                                 : bytes.size() >= value_bytes(kind, bytes);
}

double load_number(std::string_view value) {
    const std::uint64_t bits = load_big_endian(value);
    return std::bit_cast<double>((bits & kSign) != 0 ? bits ^ kSign : ~bits);
}

std::string load_text(std::string_view value) {
    std::string text;
    for (std::size_t at = 1; at < value.size() - 2; at += value[at] == 0 ? 2 : 1) {
        text += value[at];
    }
    return text;
}

Uuid load_uuid(std::string_view value) {
    Uuid id;
    __builtin_memcpy(id.bytes.data(), value.data() + 1, id.bytes.size());
    return id;
}

// An integer from zero up is the same natural but for its sign bit, and the other way round.
bool append_converted(std::string& out, KeyKind from, KeyKind to, std::string_view value) {
    if (from == to || value.front() == kNull) {
        out += value;
        return true;
    }
    const bool integers = (from == KeyKind::integer && to == KeyKind::natural) ||
                          (from == KeyKind::natural && to == KeyKind::integer);
    const std::uint64_t bits = integers ? load_big_endian(value) : 0;
    const bool fits = from == KeyKind::integer ? bits >= kSign : bits < kSign;
    if (integers && fits) {
        append_big_endian(out, bits ^ kSign);
    }
    return integers && fits;
}

Error expected(KeyKind kind, std::string_view text) {
    return {Errc::invalid_argument, fmt::format("expected {}, found {}", name_of(kind), text)};
}

}  // namespace

std::string_view name_of(KeyKind kind) {
    switch (kind) {
        case KeyKind::boolean:
            return "true or false";
        case KeyKind::integer:
            return "an integer";
        case KeyKind::natural:
            return "an integer from zero up";
        case KeyKind::number:
            return "a number";
        case KeyKind::text:
            return "text";
        case KeyKind::time:
            return "a time as RFC 3339";
        case KeyKind::uuid:
            return "a UUID";
    }
    return "";
}

namespace key_bytes {

void append_null(std::string& out) {
    out += kNull;
}

void append_boolean(std::string& out, bool value) {
    out += kValue;
    out += value ? '\1' : '\0';
}

void append_integer(std::string& out, std::int64_t value) {
    append_big_endian(out, static_cast<std::uint64_t>(value) ^ kSign);
}

void append_natural(std::string& out, std::uint64_t value) {
    append_big_endian(out, value);
}

void append_number(std::string& out, double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value == 0 ? 0.0 : value);
    append_big_endian(out, (bits & kSign) != 0 ? ~bits : bits ^ kSign);
}

void append_text(std::string& out, std::string_view value) {
    out += kValue;
    for (std::size_t zero = value.find('\0'); zero != std::string_view::npos;
         zero = value.find('\0')) {
        out += value.substr(0, zero + 1);
        out += kZero;
        value.remove_prefix(zero + 1);
    }
    out += value;
    out += '\0';
    out += kEnd;
}

void append_time(std::string& out, Time value) {
    append_integer(out, value.us);
}

void append_uuid(std::string& out, const Uuid& value) {
    out += kValue;
    out.append(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
}

Result<void> append_parsed(std::string& out, KeyKind kind, std::string_view text) {
    bool good = false;
    const auto take = [&](const auto& value, auto append) {
        good = value.has_value();
        if (good) {
            append(out, *value);
        }
    };
    switch (kind) {
        case KeyKind::boolean:
            good = text == "true" || text == "false";
            append_boolean(out, text == "true");
            break;
        case KeyKind::integer:
            take(parsed_number<std::int64_t>(text), append_integer);
            break;
        case KeyKind::natural:
            take(parsed_number<std::uint64_t>(text), append_natural);
            break;
        case KeyKind::number:
            take(parsed_number<double>(text), append_number);
            break;
        case KeyKind::text:
            good = is_utf8(text);
            append_text(out, text);
            break;
        case KeyKind::time:
            take(parse_time(text), append_time);
            break;
        case KeyKind::uuid:
            take(parse_uuid(text), append_uuid);
            break;
    }
    return good ? Result<void>() : expected(kind, text);
}

std::optional<std::string> as_kinds(const KeyValue& value, std::string_view wanted) {
    if (value.kinds.size() > wanted.size()) {
        return std::nullopt;
    }
    if (wanted.starts_with(value.kinds)) {
        return value.bytes;
    }
    std::string out;
    std::string_view rest = value.bytes;
    for (std::size_t i = 0; i < value.kinds.size(); ++i) {
        const auto from = static_cast<KeyKind>(value.kinds[i]);
        const std::size_t size = value_bytes(from, rest);
        if (!append_converted(out, from, static_cast<KeyKind>(wanted[i]), rest.substr(0, size))) {
            return std::nullopt;
        }
        rest.remove_prefix(size);
    }
    return out;
}

bool take(std::string_view& bytes, KeyKind kind, ValueWriter& out) {
    if (!is_whole(kind, bytes)) {
        return false;
    }
    const std::string_view value = bytes.substr(0, value_bytes(kind, bytes));
    bytes.remove_prefix(value.size());
    if (value.front() == kNull) {
        out.null();
        return true;
    }
    switch (kind) {
        case KeyKind::boolean:
            out.boolean(value[1] != 0);
            break;
        case KeyKind::integer:
            out.signed_integer(static_cast<std::int64_t>(load_big_endian(value) ^ kSign));
            break;
        case KeyKind::natural:
            out.unsigned_integer(load_big_endian(value));
            break;
        case KeyKind::number:
            out.number(load_number(value));
            break;
        case KeyKind::text:
            out.text(load_text(value));
            break;
        case KeyKind::time:
            out.text(to_string(Time{static_cast<std::int64_t>(load_big_endian(value) ^ kSign)}));
            break;
        case KeyKind::uuid:
            out.text(to_string(load_uuid(value)));
            break;
    }
    return true;
}

}  // namespace key_bytes

}  // namespace skald::cqrs
