// Values of declared projections: JSON text all the way, from the event into the row. A stored
// value has one spelling: digits without a fraction for integers, the shortest digits for numbers,
// times as RFC 3339 in UTC, lists and objects without space.
//
// What is handed in is one well-formed JSON value in UTF-8. Errors: malformed when it is of another
// kind, invalid_event when the result is out of range or too deep. Threads: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "skald/cqrs/key.h"
#include "skald/result.h"

namespace skald::cqrs {

// What a column holds: as KeyKind, or any JSON.
enum class ValueKind : char {
    boolean = 'b',
    integer = 'i',
    natural = 'u',
    number = 'n',
    text = 's',
    time = 't',
    uuid = 'g',
    json = 'j',
};
// None for json, which has no order.
std::optional<KeyKind> key_kind_of(ValueKind kind);
// "an integer"
std::string_view words_for(ValueKind kind);

namespace json_value {

inline constexpr std::string_view kNull = "null";

// A string in JSON, decoded.
std::optional<std::string> text_of(std::string_view json);
std::string quoted(std::string_view text);
// As parse_time reads it.
Result<Time> time_of(std::string_view json);

// Replaces `out` by the value as a column of that kind stores it.
Result<void> convert(std::string& out, ValueKind kind, std::string_view json);
// Of a stored value; null comes first.
void append_key(std::string& out, KeyKind kind, std::string_view stored);

// Adds to a stored value, or takes from it; null counts as zero. Integers, naturals, numbers.
Result<void> add(std::string& total, ValueKind kind, std::string_view json);
Result<void> subtract(std::string& total, ValueKind kind, std::string_view json);

// To the end of a stored list; null counts as an empty one.
Result<void> append_item(std::string& list, std::string_view json);
// The first item that is the same, if there is one.
Result<void> remove_item(std::string& list, std::string_view json);

// Numbers by value, strings by what they say, lists and objects by their text without space.
bool same(std::string_view a, std::string_view b);

// Of an object by name, the last of that name, or of a list by its place from 0.
std::optional<std::string_view> member(std::string_view json, std::string_view name);

}  // namespace json_value

}  // namespace skald::cqrs
