// Aggregates loaded from their streams, and commands carried out on them.
//
//     Repository<Account> accounts(store, {.category = "account"});
//     auto done = accounts.execute("7", Withdraw{500}, {.command_id = request_id});
//     if (!done) { ... done.error() ... }              // the store's doing
//     else if (done->rejection) { ... }                // the aggregate's decision
//     else { ... done->receipt ... }                   // stored, durable
//
// Rules A1-A5. A state is what its events say: snapshots and cache only make it quicker to get, and
// are left aside when they do not fit the log. An aggregate's stream is not to be truncated.
//
// Errors besides those of EventStore: malformed or unsupported_version when an event does not
// decode (the message says stream, version, type, field); wrong_expected_version when all attempts
// met a conflict, or the caller's expectation does not hold; outcome_unknown when the store could
// not be asked whether the append happened: executing again with the same command id is safe.
//
// Threads: any number may use one Repository. decide, evolve and the predicate run on the caller's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "skald/cqrs/aggregate_root.h"
#include "skald/cqrs/aggregate_store.h"
#include "skald/cqrs/decider.h"
#include "skald/cqrs/event_table.h"
#include "skald/cqrs/options.h"

namespace skald::cqrs {

template <typename State>
struct Loaded {
    State state;
    std::optional<Version> version;  // of the last event folded in; none: there is no stream
    bool exists() const { return version.has_value(); }
};

template <typename State>
struct Outcome {
    // Of the append; `repeated` when the command had been carried out before. None: not accepted,
    // or accepted with nothing to store.
    std::optional<Receipt> receipt;
    std::optional<RejectionOf<State>> rejection;
    std::optional<Offset> exists;        // of an event that ExecuteOptions::fail_if_exists names
    std::vector<EventOf<State>> events;  // stored now; empty when repeated
    State state{};                       // after them
    unsigned attempts = 0;               // decisions made; 0: found to be repeated before one

    bool accepted() const { return !rejection && !exists; }
};

namespace detail {

template <typename State>
class StateBox final : public AnyState {
  public:
    State state{};

    std::unique_ptr<AnyState> copy() const override { return std::make_unique<StateBox>(*this); }
    Result<void> apply(const EventView& event, UnknownEvents unknown) override {
        const auto& table = EventTable<State>::instance();
        const auto fold = table.find(event.type);
        if (fold != nullptr) {
            return fold(state, event);
        }
        return unknown == UnknownEvents::skip ? Result<void>() : unknown_type(event, table.names());
    }
    bool described() const override { return Described<State>; }
    Result<std::string> encode() const override {
        if constexpr (Described<State>) {
            return description_of<State>().encode(state);
        } else {
            return Error(Errc::invalid_argument, "the state is not described");
        }
    }
    Result<void> decode([[maybe_unused]] std::string_view bytes) override {
        if constexpr (Described<State>) {
            state = State{};
            return description_of<State>().decode(description_of<State>().version(), bytes, state);
        } else {
            return Error(Errc::invalid_argument, "the state is not described");
        }
    }
};

template <typename State>
State& state_in(AnyState& box) {
    return static_cast<StateBox<State>&>(box).state;
}
template <typename State>
const State& state_in(const AnyState& box) {
    return static_cast<const StateBox<State>&>(box).state;
}

template <typename Events>
Result<std::vector<NewEvent>> to_new_events(const Events& events) {
    std::vector<NewEvent> made;
    made.reserve(events.size());
    for (const auto& event : events) {
        auto one = to_new_event(event);
        if (!one) {
            return one.error();
        }
        made.push_back(std::move(*one));
    }
    return made;
}

template <typename State>
void evolve_all(State& state, const std::vector<EventOf<State>>& events) {
    for (const auto& event : events) {
        std::visit([&](const auto& one) { cqrs::evolve(state, one); }, event);
    }
}

template <typename State, typename Command>
class CommandDecider final : public AnyDecider {
  public:
    explicit CommandDecider(const Command& command) : command_(command) {}

    Result<std::vector<NewEvent>> decide(const AnyState& state, const Context& context) override {
        decision_.emplace(cqrs::decide(state_in<State>(state), command_, context));
        return decision_->rejected() ? std::vector<NewEvent>() : to_new_events(decision_->events());
    }
    void evolve(AnyState& state) const override {
        evolve_all(state_in<State>(state), decision_->events());
    }
    const std::optional<Decision<State>>& decision() const { return decision_; }

  private:
    const Command& command_;
    std::optional<Decision<State>> decision_;
};

// What became of a command that `decider` decided last.
template <typename State, typename Command>
Outcome<State> outcome_of(const CommandDecider<State, Command>& decider,
                          std::optional<Receipt> receipt, std::optional<Offset> exists,
                          AnyState& state, unsigned attempts) {
    Outcome<State> outcome;
    const bool decided = decider.decision() && !exists && !(receipt && receipt->repeated);
    if (decided && decider.decision()->rejected()) {
        outcome.rejection = decider.decision()->rejection();
    } else if (decided) {
        outcome.events = decider.decision()->events();
    }
    outcome.receipt = std::move(receipt);
    outcome.exists = exists;
    outcome.state = std::move(state_in<State>(state));
    outcome.attempts = attempts;
    return outcome;
}

template <typename State>
using SnapshotIf = std::function<bool(const State&, Version)>;

template <typename State>
StateKind kind_of(SnapshotIf<State> snapshot_if) {
    StateKind kind;
    kind.fresh = [] { return std::make_unique<StateBox<State>>(); };
    if constexpr (Described<State>) {
        kind.shape = Values<State>::shape();
    }
    kind.events = EventTable<State>::instance().names();
    if (snapshot_if) {
        kind.snapshot_if = [fn = std::move(snapshot_if)](const AnyState& state, Version version) {
            return fn(state_in<State>(state), version);
        };
    }
    return kind;
}

}  // namespace detail

template <typename State>
class Repository {
  public:
    // True when a snapshot is to be taken of this state at this version.
    using SnapshotIf = detail::SnapshotIf<State>;

    // `store` outlives it. Snapshots need a described State: asked for without, the process aborts.
    explicit Repository(EventStore& store, RepositoryOptions options = {},
                        SnapshotIf snapshot_if = nullptr)
        : core_(store, std::move(options), detail::kind_of<State>(std::move(snapshot_if))) {}

    // An aggregate whose stream was never written, or was deleted, is a State{} without a version.
    Result<Loaded<State>> load(std::string_view id) {
        return loaded(core_.load(core_.stream_of(id)));
    }
    // As it was after the event of this version: not_found beyond the last one.
    Result<Loaded<State>> load_at(std::string_view id, Version version) {
        return loaded(core_.load_at(core_.stream_of(id), version));
    }
    // As it was then: with the events recorded at this time or before.
    Result<Loaded<State>> load_at(std::string_view id, Time time) {
        return loaded(core_.load_at(core_.stream_of(id), time));
    }

    // Loads, decides, appends at the version read; after a conflict reads what came since and
    // decides again.
    template <typename Command>
    Result<Outcome<State>> execute(std::string_view id, const Command& command,
                                   const ExecuteOptions& options = {}) {
        detail::CommandDecider<State, Command> decider(command);
        auto done = core_.execute(core_.stream_of(id), decider, options);
        if (!done) {
            return done.error();
        }
        return detail::outcome_of(decider, std::move(done->receipt), done->exists,
                                  *done->aggregate.state, done->attempts);
    }

    // Class style: appends what is uncommitted at the version read, without a second attempt, and
    // clears it only when that went well. Nothing uncommitted: no receipt. wrong_expected_version
    // when somebody else was quicker: load again. After outcome_unknown the same save may be made
    // again. When options.command_id was carried out before, the first receipt comes and `root`
    // becomes what is stored. An error leaves `root` as it was.
    Result<std::optional<Receipt>> save(
        std::string_view id, State& root,
        const ExecuteOptions& options = {}) requires RootState<State>;
    // The same for a stream that must not exist yet, else wrong_expected_version.
    Result<std::optional<Receipt>> create(std::string_view id, State& root,
                                          ExecuteOptions options = {}) requires RootState<State> {
        options.expected = Expected::no_stream();
        return save(id, root, options);
    }

    std::string stream_of(std::string_view id) const { return core_.stream_of(id); }
    RepositoryStats stats() const { return core_.stats(); }

  private:
    static Result<Loaded<State>> loaded(Result<Aggregate> aggregate) {
        if (!aggregate) {
            return aggregate.error();
        }
        Loaded<State> loaded{std::move(detail::state_in<State>(*aggregate->state)),
                             aggregate->version};
        if constexpr (RootState<State>) {
            loaded.state.origin_ = {aggregate->version, std::move(aggregate->commands), {}};
        }
        return loaded;
    }

    AggregateStore core_;
};

template <typename State>
Result<std::optional<Receipt>> Repository<State>::save(
    std::string_view id, State& root, const ExecuteOptions& options) requires RootState<State> {
    if (root.uncommitted().empty()) {
        return std::optional<Receipt>();
    }
    auto events = detail::to_new_events(root.uncommitted());
    if (!events) {
        return events.error();
    }
    auto receipt = core_.append(core_.stream_of(id), root.origin_, std::move(*events), options);
    if (!receipt) {
        return receipt.error();
    }
    if (receipt->repeated && !options.command_id.empty()) {
        auto stored = load(id);  // what was raised now is not what that command once did
        if (!stored) {
            return stored.error();
        }
        root = std::move(stored->state);
    } else {
        root.uncommitted_.clear();
    }
    return std::optional<Receipt>(std::move(*receipt));
}

}  // namespace skald::cqrs
