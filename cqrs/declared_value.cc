#include "cqrs/declared_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "base/glob.h"
#include "base/json_scanner.h"
#include "base/json_string.h"

namespace skald::cqrs {

std::optional<KeyKind> key_kind_of(ValueKind kind) {
    return kind == ValueKind::json ? std::nullopt : std::optional(static_cast<KeyKind>(kind));
}

std::string_view words_for(ValueKind kind) {
    const auto key = key_kind_of(kind);
    return key ? name_of(*key) : "JSON";
}

namespace json_value {
namespace {

constexpr std::size_t kShownBytesMax = 40;
// A row is an object of them, and is to be read as JSON itself.
constexpr int kValueDepthMax = kJsonDepthMax - 1;

Error expected(std::string_view what, std::string_view json) {
    const bool cut = json.size() > kShownBytesMax;
    return {Errc::malformed, fmt::format("expected {}, found {}{}", what,
                                         utf8_prefix(json, kShownBytesMax), cut ? "..." : "")};
}

Result<void> check_depth(std::string_view json, int most) {
    std::string_view slice;
    return JsonScanner(json, most).value(slice)
               ? Result<void>()
               : Error(Errc::invalid_event,
                       fmt::format("lists and objects stand at most {} deep in a column",
                                   kValueDepthMax));
}

// Nearer to zero than any double: 1e-400. Whole digits before the point count up, zeros behind it
// count down.
bool rounds_to_zero(std::string_view json) {
    const std::size_t mark = std::min(json.find_first_of("eE"), json.size());
    const std::string_view digits = json.substr(0, mark);
    const std::size_t first = digits.find_first_of("123456789");
    if (first == std::string_view::npos) {
        return true;
    }
    const std::size_t point = std::min(digits.find('.'), digits.size());
    std::string_view text = json.substr(std::min(mark + 1, json.size()));
    text.remove_prefix(text.starts_with('+') ? 1 : 0);
    std::int64_t exponent = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), exponent);
    if (failed == std::errc::result_out_of_range) {
        return text.starts_with('-');
    }
    const auto magnitude = static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first);
    return exponent < -magnitude;
}

Error out_of_range(ValueKind kind) {
    return {Errc::invalid_event, fmt::format("the result is no longer {}", words_for(kind))};
}

template <typename Number>
std::optional<Number> number_of(std::string_view json) {
    Number value{};
    const bool opens = !json.empty() && (json[0] == '-' || (json[0] >= '0' && json[0] <= '9'));
    const auto [end, failed] = std::from_chars(json.data(), json.data() + json.size(), value);
    const bool whole = opens && end == json.data() + json.size();
    if constexpr (std::is_floating_point_v<Number>) {
        if (whole && failed == std::errc::result_out_of_range && rounds_to_zero(json)) {
            return Number{};
        }
    }
    return whole && failed == std::errc() ? std::optional(value) : std::nullopt;
}

template <typename Number>
void put_number(std::string& out, Number value) {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, value);
    out.assign(digits, end.ptr);
}

template <typename Number>
bool convert_number(std::string& out, std::string_view json) {
    const auto value = number_of<Number>(json);
    if (value) {
        put_number(out, *value);
    }
    return value.has_value();
}

// Strings stay as they are.
void put_without_space(std::string& out, std::string_view json) {
    out.clear();
    bool in_string = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (in_string && c == '\\') {
            out += c;
            ++i;
            out += json[i];
            continue;
        }
        in_string = in_string != (c == '"');
        if (in_string || std::string_view(" \t\n\r").find(c) == std::string_view::npos) {
            out += c;
        }
    }
}

// Calls fn(key, value) for each member of an object, or fn("", item) of a list.
template <typename Fn>
void for_each(std::string_view json, const Fn& fn) {
    JsonScanner scanner(json);
    const bool is_object = scanner.punctuation('{');
    const char close = is_object ? '}' : ']';
    if ((!is_object && !scanner.punctuation('[')) || scanner.punctuation(close)) {
        return;
    }
    std::string key;
    std::string_view value;
    do {
        const bool named = !is_object || (scanner.string(key) && scanner.punctuation(':'));
        if (!named || !scanner.value(value)) {
            return;
        }
        fn(std::string_view(key), value);
    } while (scanner.punctuation(','));
}

template <typename Int>
Result<void> calculate(std::string& total, ValueKind kind, std::string_view json, bool minus) {
    const auto before = total == kNull ? Int{} : number_of<Int>(total);
    const auto more = number_of<Int>(json);
    if (!before || !more) {
        return expected(words_for(kind), before ? json : total);
    }
    Int result{};
    if constexpr (std::is_floating_point_v<Int>) {
        result = minus ? *before - *more : *before + *more;
        if (!std::isfinite(result)) {
            return out_of_range(kind);
        }
    } else if (minus ? __builtin_sub_overflow(*before, *more, &result)
                     : __builtin_add_overflow(*before, *more, &result)) {
        return out_of_range(kind);
    }
    put_number(total, result);
    return {};
}

Result<void> calculate(std::string& total, ValueKind kind, std::string_view json, bool minus) {
    switch (kind) {
        case ValueKind::integer:
            return calculate<std::int64_t>(total, kind, json, minus);
        case ValueKind::natural:
            return calculate<std::uint64_t>(total, kind, json, minus);
        default:
            return calculate<double>(total, kind, json, minus);
    }
}

}  // namespace

std::optional<std::string> text_of(std::string_view json) {
    std::string text;
    JsonScanner scanner(json);
    return scanner.string(text) && scanner.at_end() ? std::optional(std::move(text)) : std::nullopt;
}

std::string quoted(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

Result<Time> time_of(std::string_view json) {
    const auto text = text_of(json);
    const auto time = text ? parse_time(*text) : std::nullopt;
    return time ? Result<Time>(*time) : expected(name_of(KeyKind::time), json);
}

Result<void> convert(std::string& out, ValueKind kind, std::string_view json) {
    bool good = false;
    switch (kind) {
        case ValueKind::boolean:
            good = json == "true" || json == "false";
            out = json;
            break;
        case ValueKind::integer:
            good = convert_number<std::int64_t>(out, json);
            break;
        case ValueKind::natural:
            good = convert_number<std::uint64_t>(out, json);
            break;
        case ValueKind::number:
            good = convert_number<double>(out, json);
            break;
        case ValueKind::text:
            if (const auto text = text_of(json)) {
                good = true;
                out = quoted(*text);
            }
            break;
        case ValueKind::time:
            if (const auto time = time_of(json)) {
                good = true;
                out = quoted(to_string(*time));
            }
            break;
        case ValueKind::uuid:
            if (const auto id = parse_uuid(text_of(json).value_or(std::string()))) {
                good = true;
                out = quoted(to_string(*id));
            }
            break;
        case ValueKind::json:
            if (auto ok = check_depth(json, kValueDepthMax); !ok) {
                return ok;
            }
            good = true;
            put_without_space(out, json);
            break;
    }
    return good ? Result<void>() : expected(words_for(kind), json);
}

void append_key(std::string& out, KeyKind kind, std::string_view stored) {
    if (stored == kNull) {
        key_bytes::append_null(out);
        return;
    }
    const auto text = text_of(stored);
    // It is of that kind, or it would not be stored.
    (void)key_bytes::append_parsed(out, kind, text ? std::string_view(*text) : stored);
}

Result<void> add(std::string& total, ValueKind kind, std::string_view json) {
    return calculate(total, kind, json, false);
}

Result<void> subtract(std::string& total, ValueKind kind, std::string_view json) {
    return calculate(total, kind, json, true);
}

Result<void> append_item(std::string& list, std::string_view json) {
    if (list == kNull) {
        list = "[]";
    }
    if (list.front() != '[') {
        return expected("a list", list);
    }
    if (auto ok = check_depth(json, kValueDepthMax - 1); !ok) {
        return ok;
    }
    std::string item;
    put_without_space(item, json);
    list.pop_back();
    list += list.size() > 1 ? "," : "";
    list += item;
    list += ']';
    return {};
}

Result<void> remove_item(std::string& list, std::string_view json) {
    if (list == kNull) {
        return {};
    }
    if (list.front() != '[') {
        return expected("a list", list);
    }
    std::string left = "[";
    bool removed = false;
    for_each(list, [&](std::string_view, std::string_view item) {
        if (!removed && same(item, json)) {
            removed = true;
            return;
        }
        left += left.size() > 1 ? "," : "";
        left += item;
    });
    list = std::move(left) + "]";
    return {};
}

bool same(std::string_view a, std::string_view b) {
    if (a == b) {
        return true;
    }
    if (const auto text = text_of(a)) {
        return text == text_of(b);
    }
    if (number_of<std::int64_t>(a) && number_of<std::int64_t>(b)) {
        return number_of<std::int64_t>(a) == number_of<std::int64_t>(b);
    }
    if (number_of<std::uint64_t>(a) && number_of<std::uint64_t>(b)) {
        return number_of<std::uint64_t>(a) == number_of<std::uint64_t>(b);
    }
    if (const auto number = number_of<double>(a)) {
        return number == number_of<double>(b);
    }
    std::string left;
    std::string right;
    put_without_space(left, a);
    put_without_space(right, b);
    return left == right;
}

std::optional<std::string_view> member(std::string_view json, std::string_view name) {
    std::optional<std::string_view> found;
    if (!json.empty() && json.front() == '[') {
        std::size_t left = number_of<std::uint32_t>(name).value_or(UINT32_MAX);
        for_each(json, [&](std::string_view, std::string_view item) {
            found = left-- == 0 ? item : found;
        });
        return found;
    }
    for_each(json, [&](std::string_view key, std::string_view value) {
        found = key == name ? value : found;
    });
    return found;
}

}  // namespace json_value

}  // namespace skald::cqrs
