// Values as keys: bytes whose order is the order of the values. One or several values make a key;
// an earlier one weighs more.
//
// | C++                          | kind    | order                                             |
// |------------------------------|---------|---------------------------------------------------|
// | bool                         | boolean | false, true                                       |
// | signed integers              | integer | by value                                          |
// | unsigned integers            | natural | by value; a query may name an integer as either   |
// | float, double                | number  | by value; -0 and 0 are one                        |
// | std::string, enums (by name) | text    | bytewise                                          |
// | skald::Time                  | time    | by value                                          |
// | skald::Uuid                  | uuid    | bytewise                                          |
// | StrongInt                    | that of its integer                                         |
// | std::optional<T>             | of T    | nothing comes first                               |
//
// The bytes are stored in read models: they never change their meaning. Threads: any.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "skald/cqrs/fields.h"
#include "skald/cqrs/value.h"
#include "skald/ids.h"
#include "skald/result.h"

namespace skald::cqrs {

enum class KeyKind : char {
    boolean = 'b',
    integer = 'i',
    natural = 'u',
    number = 'n',
    text = 's',
    time = 't',
    uuid = 'g',
};
std::string_view name_of(KeyKind kind);

// Values on their way into a query: what they are, a character each, and their bytes.
struct KeyValue {
    std::string kinds;
    std::string bytes;
};

namespace key_bytes {

void append_null(std::string& out);
void append_boolean(std::string& out, bool value);
void append_integer(std::string& out, std::int64_t value);
void append_natural(std::string& out, std::uint64_t value);
void append_number(std::string& out, double value);
void append_text(std::string& out, std::string_view value);
void append_time(std::string& out, Time value);
void append_uuid(std::string& out, const Uuid& value);

// The same from text, as a command line or JSON has it: text bare, numbers in digits, times as RFC
// 3339. invalid_argument when it is no such value; the message says what was expected.
Result<void> append_parsed(std::string& out, KeyKind kind, std::string_view text);

// The same values as another key wants them: integers above zero are naturals too. nullopt when
// they are no such values. Fewer than `wanted` has are a prefix, more are none.
std::optional<std::string> as_kinds(const KeyValue& value, std::string_view wanted);

// Takes the first value of the bytes off and writes it as a row's JSON has it; false when it is not
// whole.
bool take(std::string_view& bytes, KeyKind kind, ValueWriter& out);

}  // namespace key_bytes

template <typename T>
struct KeyOf;

template <>
struct KeyOf<bool> {
    static constexpr KeyKind kKind = KeyKind::boolean;
    static void append(std::string& out, bool value) { key_bytes::append_boolean(out, value); }
};
template <std::integral T>
struct KeyOf<T> {
    static constexpr KeyKind kKind = std::is_signed_v<T> ? KeyKind::integer : KeyKind::natural;
    static void append(std::string& out, T value) {
        if constexpr (std::is_signed_v<T>) {
            key_bytes::append_integer(out, value);
        } else {
            key_bytes::append_natural(out, value);
        }
    }
};
template <std::floating_point T>
struct KeyOf<T> {
    static constexpr KeyKind kKind = KeyKind::number;
    static void append(std::string& out, T value) { key_bytes::append_number(out, value); }
};
template <std::convertible_to<std::string_view> T>
struct KeyOf<T> {
    static constexpr KeyKind kKind = KeyKind::text;
    static void append(std::string& out, std::string_view value) {
        key_bytes::append_text(out, value);
    }
};
template <typename T>
requires std::is_enum_v<T>
struct KeyOf<T> {
    static constexpr KeyKind kKind = KeyKind::text;
    static void append(std::string& out, T value) {
        std::string_view name;  // without one its row cannot be written either
        for (const auto& known : EnumNames<T>::kNames) {
            name = known.value == value ? known.name : name;
        }
        key_bytes::append_text(out, name);
    }
};
template <>
struct KeyOf<Time> {
    static constexpr KeyKind kKind = KeyKind::time;
    static void append(std::string& out, Time value) { key_bytes::append_time(out, value); }
};
template <>
struct KeyOf<Uuid> {
    static constexpr KeyKind kKind = KeyKind::uuid;
    static void append(std::string& out, const Uuid& value) { key_bytes::append_uuid(out, value); }
};
template <typename Tag, typename Int>
struct KeyOf<StrongInt<Tag, Int>> {
    static constexpr KeyKind kKind = KeyOf<Int>::kKind;
    static void append(std::string& out, StrongInt<Tag, Int> value) {
        KeyOf<Int>::append(out, value.value);
    }
};
template <typename T>
struct KeyOf<std::optional<T>> {
    static constexpr KeyKind kKind = KeyOf<T>::kKind;
    static void append(std::string& out, const std::optional<T>& value) {
        if (value) {
            KeyOf<T>::append(out, *value);
        } else {
            key_bytes::append_null(out);
        }
    }
};

template <typename T>
concept KeyType = requires(std::string& out, const T& value) {
    KeyOf<std::remove_cvref_t<T>>::append(out, value);
};

template <KeyType... Ts>
KeyValue key_of(const Ts&... values) {
    KeyValue key;
    ((key.kinds += static_cast<char>(KeyOf<std::decay_t<Ts>>::kKind),
      KeyOf<std::decay_t<Ts>>::append(key.bytes, values)),
     ...);
    return key;
}

}  // namespace skald::cqrs
