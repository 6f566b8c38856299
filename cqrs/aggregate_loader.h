// An aggregate from the log: from what is known of it already, the events that came since.
//
// What is known (a copy from the cache, a snapshot, the state of an attempt) names the last event
// folded into it. A load reads from that event on, inclusive: is it still there with its id, the
// events behind it are the tail; else what was known is of another history (the stream was deleted,
// the log restored) and is left aside.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cqrs/aggregate_cache.h"
#include "cqrs/counters.h"
#include "skald/cqrs/aggregate_store.h"

namespace skald::cqrs {

// The last event to fold in; without either, the stream's last.
struct Until {
    std::optional<Version> version;
    std::optional<Time> time;  // recorded_at
    bool now() const { return !version && !time; }
};

class AggregateLoader {
  public:
    // All outlive it.
    AggregateLoader(EventStore& store, const RepositoryOptions& options, const StateKind& kind,
                    AggregateCache& cache, Counters& counters);

    Result<Aggregate> load(const std::string& stream, const Until& until);
    // Folds in what came since; loads anew when what is known does not fit.
    Result<void> catch_up(const std::string& stream, Aggregate& aggregate);
    // The version of the stream's last event, when `version` is below it and no read gives any
    // event between: erased and truncated ones still count.
    Result<std::optional<Version>> hidden_behind(const std::string& stream,
                                                 std::optional<Version> version);
    // Never fails: what goes wrong is counted.
    void put_snapshot(const std::string& stream, Aggregate& aggregate);
    bool snapshot_due(const Aggregate& aggregate, Monotonic load_time) const;

  private:
    class Walk;

    Aggregate fresh() const;
    Result<std::optional<Aggregate>> from_cache(const std::string& stream);
    Result<std::optional<Aggregate>> from_snapshot(const std::string& stream, const Until& until);
    std::optional<Aggregate> open(const Snapshot& snapshot) const;
    Result<Aggregate> from_events(const std::string& stream, const Until& until);
    // False when what is known does not fit the stream.
    Result<bool> fold_tail(const std::string& stream, Aggregate& aggregate, const Until& until);
    Result<void> skip_hidden(const std::string& stream, Aggregate& aggregate);

    EventStore& store_;
    const RepositoryOptions& options_;
    const StateKind& kind_;
    AggregateCache& cache_;
    Counters& counters_;
    const std::uint64_t fingerprint_;
    const bool snapshots_;
};

}  // namespace skald::cqrs
