// What Decisions<State> (decisions.h) does, without the types of its state.
//
// Threads: any number may use one DecisionStore.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "skald/cqrs/aggregate_store.h"
#include "skald/cqrs/options.h"
#include "skald/event_store.h"

namespace skald::cqrs {

struct DecisionsOptions {
    // A matching event whose type is none of the state's.
    UnknownEvents unknown_events = UnknownEvents::fail;
    ConflictRetry conflict{};
    // These outlive the Decisions and are called from any thread that uses them. Null: the
    // machine's clock, randomness and sleep.
    const Clock* clock = nullptr;
    std::function<std::uint64_t()> random{};
    std::function<void(std::chrono::microseconds)> wait{};
};

struct DecidedOn {
    std::optional<Receipt> receipt;  // none: rejected, nothing to store, or `exists`
    std::optional<Offset> exists;
    std::unique_ptr<AnyState> state;
    unsigned attempts = 0;
};

class DecisionStore {
  public:
    DecisionStore(EventStore& store, DecisionsOptions options);
    ~DecisionStore();

    // `initial` with the matching events folded in.
    Result<std::unique_ptr<AnyState>> load(const Query& query, std::unique_ptr<AnyState> initial);
    Result<DecidedOn> execute(const Query& query, const std::string& stream,
                              std::unique_ptr<AnyState> initial, AnyDecider& decider,
                              const ExecuteOptions& options);
    RepositoryStats stats() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace skald::cqrs
