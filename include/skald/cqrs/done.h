// What became of a command, as the bus tells it: Outcome (repository.h) without the state.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "skald/cqrs/describe.h"
#include "skald/cqrs/fields.h"
#include "skald/cqrs/json.h"
#include "skald/cqrs/repository.h"
#include "skald/event_store.h"

namespace skald::cqrs {

template <typename Rejection>
struct Done {
    std::optional<Receipt> receipt;  // as in Outcome
    std::optional<Rejection> rejection;
    std::optional<Offset> exists;

    bool accepted() const { return !rejection && !exists; }
};

// Of a handler that is a repository: the state's Rejection is the command's.
template <typename State>
Result<Done<RejectionOf<State>>> done_of(Result<Outcome<State>> outcome) {
    if (!outcome) {
        return outcome.error();
    }
    return Done<RejectionOf<State>>{std::move(outcome->receipt), std::move(outcome->rejection),
                                    outcome->exists};
}

// A described struct of several: a record of one field, which names it.
template <Described... Ts>
struct Values<std::variant<Ts...>> {
    static void write(ValueWriter& writer, const std::variant<Ts...>& value) {
        writer.begin_record();
        std::visit(
            [&](const auto& one) {
                using T = std::remove_cvref_t<decltype(one)>;
                writer.key(description_of<T>().name());
                Values<T>::write(writer, one);
            },
            value);
        writer.end_record();
    }
    static bool read(ValueReader& reader, std::variant<Ts...>& value) {
        std::string_view key;
        if (!reader.begin_record()) {
            return false;
        }
        bool known = false;
        if (reader.next_key(key)) {
            const std::string name(key);
            known = (read_as<Ts>(reader, name, value) || ...);
            if (!known) {
                reader.skip();  // so that the failure shows it
            }
        }
        return (known || reader.fail("one of " + names())) && !reader.next_key(key);
    }
    static Shape shape() { return "<" + names() + ">"; }

  private:
    template <typename T>
    static bool read_as(ValueReader& reader, std::string_view name, std::variant<Ts...>& value) {
        return name == description_of<T>().name() &&
               Values<T>::read(reader, value.template emplace<T>());
    }
    static std::string names() {
        std::string all;
        ((all += (all.empty() ? "" : ", ") + description_of<Ts>().name()), ...);
        return all;
    }
};

template <>
struct Describe<Receipt> {
    static Description<Receipt> describe();
};
template <>
struct Values<Position> {  // its token
    static void write(ValueWriter& writer, const Position& value);
    static bool read(ValueReader& reader, Position& value);
    static Shape shape() { return "position"; }
};
template <>
struct EnumNames<Ack> {
    static constexpr EnumName<Ack> kNames[] = {{Ack::quorum, "quorum"}, {Ack::primary, "primary"}};
};

template <typename Rejection>
requires HasValues<Rejection>
struct Describe<Done<Rejection>> {
    static Description<Done<Rejection>> describe() {
        return record<Done<Rejection>>("Done")
            .field("receipt", &Done<Rejection>::receipt)
            .field("rejection", &Done<Rejection>::rejection)
            .field("exists", &Done<Rejection>::exists);
    }
};

// As JSON. invalid_event when it cannot be written.
template <HasValues T>
Result<std::string> encode_value(const T& value) {
    JsonWriter writer;
    Values<T>::write(writer, value);
    return std::move(writer).take();
}
// Into a fresh object. malformed says what was expected.
template <HasValues T>
Result<void> decode_value(std::string_view text, T& value) {
    JsonReader reader(text);
    Values<T>::read(reader, value);
    return reader.finish();
}

}  // namespace skald::cqrs
