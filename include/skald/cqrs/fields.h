// How the types of C++ are written as values, and read back.
//
// | C++                                 | value                                                  |
// |-------------------------------------|--------------------------------------------------------|
// | bool                                | true, false                                            |
// | signed and unsigned integers        | an integer, exact; out of the type's range is an error |
// | float, double                       | a number; out of the type's range is an error          |
// | std::string                         | text in UTF-8                                          |
// | enum with EnumNames                 | its name; a name that is not declared is an error      |
// | std::optional<T>                    | null or a T                                            |
// | std::vector<T>                      | a list                                                 |
// | std::map<std::string, T>            | a record of any keys                                   |
// | skald::Time, skald::Uuid            | text as to_string gives it                             |
// | StrongInt                           | its integer                                            |
// | a struct that is described          | a record (describe.h)                                  |
//
// Another type joins by specialising Values<T> with write, read and shape.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "skald/cqrs/value.h"
#include "skald/ids.h"

namespace skald::cqrs {

// The names of an enum's values, in stored data for good:
//
//     template <>
//     struct skald::cqrs::EnumNames<Colour> {
//         static constexpr EnumName<Colour> kNames[] = {{Colour::red, "red"}};
//     };
template <typename E>
struct EnumName {
    E value;
    std::string_view name;
};
template <typename E>
struct EnumNames;

template <typename T>
struct Values;

// A shape is a text that differs when what is stored differs: part of a snapshot's fingerprint.
using Shape = std::string;

template <typename T>
concept HasValues = requires(ValueWriter& writer, ValueReader& reader, const T& from, T& into) {
    Values<T>::write(writer, from);
    { Values<T>::read(reader, into) } -> std::same_as<bool>;
    { Values<T>::shape() } -> std::same_as<Shape>;
};

template <>
struct Values<bool> {
    static void write(ValueWriter& writer, bool value) { writer.boolean(value); }
    static bool read(ValueReader& reader, bool& value) { return reader.boolean(value); }
    static Shape shape() { return "bool"; }
};

template <std::integral T>
struct Values<T> {
    static void write(ValueWriter& writer, T value) {
        if constexpr (std::is_signed_v<T>) {
            writer.signed_integer(value);
        } else {
            writer.unsigned_integer(value);
        }
    }
    static bool read(ValueReader& reader, T& value) {
        std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t> wide = 0;
        if (!take(reader, wide)) {
            return false;
        }
        value = static_cast<T>(wide);
        const char* kind = std::is_signed_v<T> ? "an integer" : "an unsigned integer";
        return value == wide || reader.fail(std::string(kind) + " of " + bits() + " bits");
    }
    static Shape shape() { return (std::is_signed_v<T> ? "i" : "u") + bits(); }

  private:
    static bool take(ValueReader& reader, std::int64_t& wide) {
        return reader.signed_integer(wide);
    }
    static bool take(ValueReader& reader, std::uint64_t& wide) {
        return reader.unsigned_integer(wide);
    }
    static std::string bits() { return std::to_string(8 * sizeof(T)); }
};

template <std::floating_point T>
struct Values<T> {
    static_assert(sizeof(T) <= sizeof(double), "a double is the widest number");
    static void write(ValueWriter& writer, T value) { writer.number(value); }
    static bool read(ValueReader& reader, T& value) {
        double wide = 0;
        if (!reader.number(wide)) {
            return false;
        }
        constexpr double kMax = std::numeric_limits<T>::max();
        if (wide > kMax || wide < -kMax) {
            return reader.fail("a number of " + std::to_string(8 * sizeof(T)) + " bits");
        }
        value = static_cast<T>(wide);
        return true;
    }
    static Shape shape() { return "number"; }
};

template <>
struct Values<std::string> {
    static void write(ValueWriter& writer, const std::string& value) { writer.text(value); }
    static bool read(ValueReader& reader, std::string& value) { return reader.text(value); }
    static Shape shape() { return "text"; }
};

template <typename T>
requires std::is_enum_v<T>
struct Values<T> {
    static void write(ValueWriter& writer, T value) {
        for (const auto& known : EnumNames<T>::kNames) {
            if (known.value == value) {
                writer.text(known.name);
                return;
            }
        }
        writer.fail("an enum's value has no name");
    }
    static bool read(ValueReader& reader, T& value) {
        std::string name;
        if (!reader.text(name)) {
            return false;
        }
        for (const auto& known : EnumNames<T>::kNames) {
            if (known.name == name) {
                value = known.value;
                return true;
            }
        }
        return reader.fail("one of " + names(", "));
    }
    static Shape shape() { return "enum(" + names(",") + ")"; }

  private:
    static std::string names(std::string_view between) {
        std::string all;
        for (const auto& known : EnumNames<T>::kNames) {
            all += all.empty() ? "" : std::string(between);
            all += known.name;
        }
        return all;
    }
};

template <typename T>
struct Values<std::optional<T>> {
    static void write(ValueWriter& writer, const std::optional<T>& value) {
        if (value) {
            Values<T>::write(writer, *value);
        } else {
            writer.null();
        }
    }
    static bool read(ValueReader& reader, std::optional<T>& value) {
        if (reader.null()) {
            value.reset();
            return true;
        }
        return Values<T>::read(reader, value.emplace());
    }
    static Shape shape() { return "?" + Values<T>::shape(); }
};

template <typename T>
struct Values<std::vector<T>> {
    static void write(ValueWriter& writer, const std::vector<T>& values) {
        writer.begin_list();
        for (const auto& value : values) {
            Values<T>::write(writer, value);
        }
        writer.end_list();
    }
    static bool read(ValueReader& reader, std::vector<T>& values) {
        values.clear();
        if (!reader.begin_list()) {
            return false;
        }
        while (reader.next_item()) {
            T value{};
            if (!Values<T>::read(reader, value)) {
                reader.inside(std::to_string(values.size()));
                return false;
            }
            values.push_back(std::move(value));
        }
        return !reader.failed();
    }
    static Shape shape() { return "[" + Values<T>::shape() + "]"; }
};

template <typename T>
struct Values<std::map<std::string, T>> {
    static void write(ValueWriter& writer, const std::map<std::string, T>& values) {
        writer.begin_record();
        for (const auto& [key, value] : values) {
            writer.key(key);
            Values<T>::write(writer, value);
        }
        writer.end_record();
    }
    static bool read(ValueReader& reader, std::map<std::string, T>& values) {
        values.clear();
        if (!reader.begin_record()) {
            return false;
        }
        for (std::string_view key; reader.next_key(key);) {
            const auto [at, added] = values.insert_or_assign(std::string(key), T{});
            if (!Values<T>::read(reader, at->second)) {
                reader.inside(at->first);
                return false;
            }
        }
        return !reader.failed();
    }
    static Shape shape() { return "{" + Values<T>::shape() + "}"; }
};

template <>
struct Values<Time> {
    static void write(ValueWriter& writer, Time value) { writer.text(to_string(value)); }
    static bool read(ValueReader& reader, Time& value) {
        std::string text;
        if (!reader.text(text)) {
            return false;
        }
        const auto parsed = parse_time(text);
        value = parsed.value_or(value);
        return parsed || reader.fail("a time as RFC 3339");
    }
    static Shape shape() { return "time"; }
};

template <>
struct Values<Uuid> {
    static void write(ValueWriter& writer, const Uuid& value) { writer.text(to_string(value)); }
    static bool read(ValueReader& reader, Uuid& value) {
        std::string text;
        if (!reader.text(text)) {
            return false;
        }
        const auto parsed = parse_uuid(text);
        value = parsed.value_or(value);
        return parsed || reader.fail("a UUID");
    }
    static Shape shape() { return "uuid"; }
};

template <typename Tag, typename Int>
struct Values<StrongInt<Tag, Int>> {
    static void write(ValueWriter& writer, StrongInt<Tag, Int> value) {
        Values<Int>::write(writer, value.value);
    }
    static bool read(ValueReader& reader, StrongInt<Tag, Int>& value) {
        return Values<Int>::read(reader, value.value);
    }
    static Shape shape() { return Values<Int>::shape(); }
};

}  // namespace skald::cqrs
