// Given, when, then: tests of deciders without a store, from any test framework.
//
//     const auto verdict = given<Account>(Opened{"ann"}, Deposited{500})
//                              .when(Withdraw{200})
//                              .then(Withdrawn{200});
//     CHECK(verdict);                       // Catch2 and others print it with <<
//     must_hold(verdict);                   // without a framework: throws std::logic_error
//
// Given and decided events pass through their codecs, as in a log. A field that is not declared
// does not arrive: the state after a given event lacks it, and a decided event that has == fails
// the test when it comes back as another value. Events are compared by their JSON, or by their
// bytes when their codec is another; rejections by their JSON when described, else by ==, or by
// type when they hold nothing.
//
// Threads: one object, one thread.
#pragma once

#include <concepts>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <variant>
#include <vector>

#include "skald/cqrs/event_table.h"

namespace skald::cqrs {

class [[nodiscard]] Verdict {
  public:
    Verdict() = default;  // it held
    explicit Verdict(std::string text) : text_(std::move(text)) {}
    bool ok() const { return text_.empty(); }
    explicit operator bool() const { return ok(); }
    // What was expected, what came, and where they differ; empty when it held.
    const std::string& text() const { return text_; }
    friend std::ostream& operator<<(std::ostream& out, const Verdict& verdict);

  private:
    std::string text_;
};

// Throws std::logic_error with the verdict's text when it did not hold.
void must_hold(const Verdict& verdict);

// A value as a test shows it.
struct Shown {
    std::string name;
    std::string data;                                         // JSON, or a description of bytes
    std::vector<std::pair<std::string, std::string>> fields;  // of a described struct: JSON of each
    bool operator==(const Shown&) const = default;
};
struct ShownDecision {
    bool rejected = false;
    std::vector<Shown> values;  // the events, or the rejection
};
// `given` and `when` head the text of a verdict that did not hold.
Verdict compare(const std::vector<Shown>& given, const Shown& when, const ShownDecision& expected,
                const ShownDecision& actual);
std::string type_name(const std::type_info& type);
std::string shown_bytes(std::string_view bytes);

template <typename T>
Shown show(const T& value) {
    Shown shown;
    if constexpr (Described<T>) {
        const Description<T>& description = description_of<T>();
        shown.name = description.name();
        auto data = description.encode(value);
        shown.data = !data                               ? data.error().message
                     : description.described_by_fields() ? *data
                                                         : shown_bytes(*data);
        for (const Field<T>& field : description.fields()) {
            JsonWriter writer;
            field.write(writer, value);
            auto text = std::move(writer).take();
            shown.fields.emplace_back(field.name, text ? *text : text.error().message);
        }
    } else {
        shown.name = type_name(typeid(T));
    }
    return shown;
}
template <typename... Ts>
Shown show(const std::variant<Ts...>& value) {
    return std::visit([](const auto& one) { return show(one); }, value);
}

namespace detail {

// Said of an undescribed value that is not the expected one.
inline constexpr std::string_view kUnequal = "another value";

template <typename T>
bool same_value(const T& a, const T& b) {
    if constexpr (Described<T>) {
        return true;  // what is shown decides
    } else if constexpr (std::equality_comparable<T>) {
        return a == b;
    } else {
        static_assert(std::is_empty_v<T>,
                      "a rejection that holds something needs describe() or operator==");
        return true;
    }
}

// The value as the log gives it back.
template <typename E>
Result<E> through_codec(const E& event) {
    auto data = description_of<E>().encode(event);
    if (!data) {
        return data.error();
    }
    E back{};
    if (auto ok = description_of<E>().decode(description_of<E>().version(), *data, back); !ok) {
        return naming(description_of<E>().name(), ok.error());
    }
    return back;
}

// Why the log would not give the event back; empty when it would.
template <typename E>
std::string loss_of(const E& event) {
    const auto stored = through_codec(event);
    if (!stored) {
        return stored.error().message + "\n";
    }
    if constexpr (std::equality_comparable<E>) {
        if (!(*stored == event)) {
            return description_of<E>().name() +
                   ": comes back from the log as another value: is a field not declared?\n";
        }
    }
    return "";
}

}  // namespace detail

template <typename State>
class [[nodiscard]] Decided {
  public:
    Decided(std::vector<Shown> given, Shown when, Decision<State> decision, std::string broken)
        : given_(std::move(given)),
          when_(std::move(when)),
          decision_(std::move(decision)),
          broken_(std::move(broken)) {}

    // Exactly these events, in this order.
    template <typename... Es>
    requires(EventFor<State, Es>&&...) Verdict then(const Es&... events)
    const { return verdict({false, {show(events)...}}); }
    Verdict then_nothing() const { return verdict({false, {}}); }

    template <typename R>
    requires RejectionFor<State, R> Verdict then_rejected(const R& rejection)
    const {
        ShownDecision expected{true, {show(rejection)}};
        if (decision_.rejected() && !holds(rejection)) {
            expected.values[0].data += detail::kUnequal;
        }
        return verdict(expected);
    }

    // For what the above do not say.
    const Decision<State>& decision() const { return decision_; }

  private:
    template <typename R>
    bool holds(const R& wanted) const {
        if constexpr (std::is_same_v<R, RejectionOf<State>>) {
            return detail::same_value(wanted, decision_.rejection());
        } else {
            const R* found = std::get_if<R>(&decision_.rejection());
            return found == nullptr || detail::same_value(wanted, *found);
        }
    }
    Verdict verdict(const ShownDecision& expected) const {
        if (!broken_.empty()) {
            return Verdict(broken_);
        }
        ShownDecision actual{decision_.rejected(), {}};
        if (decision_.rejected()) {
            actual.values.push_back(show(decision_.rejection()));
        } else {
            for (const auto& event : decision_.events()) {
                actual.values.push_back(show(event));
            }
        }
        return compare(given_, when_, expected, actual);
    }

    std::vector<Shown> given_;
    Shown when_;
    Decision<State> decision_;
    std::string broken_;  // why the test cannot be carried out
};

template <typename State>
class [[nodiscard]] Given {
  public:
    template <typename E>
    requires EventFor<State, E>
    void add(const E& event) {
        given_.push_back(show(event));
        auto stored = detail::through_codec(event);
        if (stored) {
            cqrs::evolve(state_, std::as_const(*stored));
        } else {
            broken_ += stored.error().message + "\n";
        }
    }

    template <typename Command>
    Decided<State> when(const Command& command) const {
        return when(command, Context{"", Time{0}, Uuid{}});
    }
    template <typename Command>
    Decided<State> when(const Command& command, const Context& context) const {
        auto decision = cqrs::decide(state_, command, context);
        std::string broken = broken_;
        if (!decision.rejected()) {
            for (const auto& event : decision.events()) {
                broken += std::visit([](const auto& one) { return detail::loss_of(one); }, event);
            }
        }
        return {given_, show(command), std::move(decision), std::move(broken)};
    }

    // After the given events.
    const State& state() const { return state_; }

  private:
    State state_{};
    std::vector<Shown> given_;
    std::string broken_;
};

template <typename State, typename... Es>
requires(EventFor<State, Es>&&...) Given<State> given(const Es&... events) {
    Given<State> made;
    (made.add(events), ...);
    return made;
}

}  // namespace skald::cqrs
