// Aggregates in decider style: a state, how each event changes it, what each command decides.
//
//     struct Account {
//         using Events = EventList<Opened, Deposited, Withdrawn>;
//         using Rejection = std::variant<NotOpen, Overdrawn>;
//         using Decision = skald::cqrs::Decision<Account>;
//
//         void evolve(const Opened&);                  // or: Account evolve(const Opened&) const
//         void evolve(const Deposited&);
//         void evolve(const Withdrawn&);
//         Decision decide(const Withdraw&) const;
//         Decision decide(const Open&, const Context&) const;   // time and ids come from here
//     };
//
// decide is pure: it sees the state, the command and the context, and gives events or a rejection,
// which is a value. It may be called again, with a newer state, for the same command. evolve is
// total: it cannot fail, and an event without one does not compile. Rule A1.
#pragma once

#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "skald/ids.h"

namespace skald::cqrs {

// The events of an aggregate: described structs, each once.
template <typename... Es>
struct EventList {
    using Variant = std::variant<Es...>;
    template <typename E>
    static constexpr bool kHolds = (std::is_same_v<E, Es> || ...);
};

template <typename State>
using EventOf = typename State::Events::Variant;
template <typename State>
using RejectionOf = typename State::Rejection;

namespace detail {
template <typename T, typename Variant>
struct IsAlternative : std::is_same<T, Variant> {};
template <typename T, typename... Ts>
struct IsAlternative<T, std::variant<Ts...>> : std::bool_constant<(std::is_same_v<T, Ts> || ...)> {
};
}  // namespace detail

template <typename State, typename T>
concept EventFor = State::Events::template kHolds<T>;
// One of the alternatives of State::Rejection, when that is a variant, or that type itself.
template <typename State, typename T>
concept RejectionFor =
    std::is_same_v<T, RejectionOf<State>> || detail::IsAlternative<T, RejectionOf<State>>::value;

// What decide may know besides state and command. The same for every attempt at one command.
struct Context {
    std::string_view stream;
    Time now;
    Uuid command;  // derived from stream and command id; random for a command without one

    // An id for what the decision creates: the same for the same command and number, also when the
    // command is carried out again because it was forgotten. No event gets it as its id.
    Uuid id(std::uint32_t number = 0) const;
};

// Events in their order, or a rejection. No events: accepted, and nothing to store.
template <typename State>
class [[nodiscard]] Decision {
  public:
    using Event = EventOf<State>;
    using Rejection = RejectionOf<State>;

    static Decision nothing() { return Decision(std::vector<Event>{}); }
    static Decision of(std::vector<Event> events) { return Decision(std::move(events)); }

    // One event or several: `return {Withdrawn{5}, Charged{1}};`
    template <typename... Es>
    requires(sizeof...(Es) > 0 && (EventFor<State, std::remove_cvref_t<Es>> && ...))
        Decision(Es&&... events)
        : value_(std::in_place_index<0>) {
        (std::get<0>(value_).emplace_back(std::forward<Es>(events)), ...);
    }
    template <typename R>
    requires RejectionFor<State, std::remove_cvref_t<R>> Decision(R&& rejection)
        : value_(std::in_place_index<1>, std::forward<R>(rejection)) {}

    bool rejected() const { return value_.index() == 1; }
    // Of an accepted decision; calling it on a rejected one, or rejection() on an accepted one,
    // throws std::bad_variant_access: a bug.
    const std::vector<Event>& events() const { return std::get<0>(value_); }
    const Rejection& rejection() const { return std::get<1>(value_); }

  private:
    explicit Decision(std::vector<Event> events)
        : value_(std::in_place_index<0>, std::move(events)) {}

    std::variant<std::vector<Event>, Rejection> value_;
};

// The compiler names this when a state has no evolve for one of its events.
template <typename State, typename Event>
struct EvolveIsMissing {
    static_assert(sizeof(State) == 0,
                  "State has no evolve(const Event&): add `void evolve(const Event&)` or "
                  "`State evolve(const Event&) const`");
};
template <typename State, typename Command>
struct DecideIsMissing {
    static_assert(sizeof(State) == 0,
                  "State has no decide for this command: add `Decision decide(const Command&) "
                  "const`, or with a second parameter `const Context&`");
};

// Changes the state by one event.
template <typename State, typename E>
void evolve(State& state, const E& event) {
    if constexpr (requires { state.evolve(event); }) {
        if constexpr (std::is_same_v<decltype(state.evolve(event)), State>) {
            state = std::as_const(state).evolve(event);
        } else {
            state.evolve(event);
        }
    } else {
        EvolveIsMissing<State, E>{};
    }
}

template <typename State, typename Command>
Decision<State> decide(const State& state, const Command& command, const Context& context) {
    if constexpr (requires { state.decide(command, context); }) {
        return state.decide(command, context);
    } else if constexpr (requires { state.decide(command); }) {
        return state.decide(command);
    } else {
        DecideIsMissing<State, Command>{};
        return Decision<State>::nothing();
    }
}

}  // namespace skald::cqrs
