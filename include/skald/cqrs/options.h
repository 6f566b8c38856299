// What a repository may be told. Every default is correct; the rest is speed. Name the fields, as
// `{.category = "account"}`.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "skald/clock.h"
#include "skald/event_store.h"

namespace skald::cqrs {

// Somebody else appended between load and append: the new events are read and the command is
// decided again, up to `attempts` decisions in all (at least 1). Before each a pause is drawn
// between zero and backoff, doubled with every attempt up to backoff_max. Rule A2.
struct ConflictRetry {
    unsigned attempts = 8;
    std::chrono::microseconds backoff{500};
    std::chrono::microseconds backoff_max{50'000};
};

// When a state is put away as a snapshot, after a load or a command; any of these that holds. A
// repository may have a predicate besides. Rule A4.
struct SnapshotWhen {
    std::uint64_t events = 0;                // so many events since the last one; 0: not by count
    std::chrono::microseconds load_time{0};  // the load took so long; 0: not by time
};

// An event in the stream whose type is none of the state's: `fail` the load with malformed, or
// `skip` it, which is right only when it cannot matter to any decision.
enum class UnknownEvents : std::uint8_t { fail, skip };

struct RepositoryOptions {
    // Streams are named `category-id`; empty: the id is the stream's name.
    std::string category{};
    SnapshotWhen snapshot{};
    // Raise it when evolve means something else than before: older snapshots are then ignored.
    std::uint32_t state_version = 1;
    UnknownEvents unknown_events = UnknownEvents::fail;
    // Of each aggregate: a command id among the last so many commands that carried one is
    // recognised, whatever their age. At most 4,096. Rule A3.
    std::size_t commands_remembered = 256;
    // Aggregates kept in memory; what was not used for longest goes. 0: none. At most 1,000,000.
    // Each takes its state and 32 bytes for every command it remembers: 8 KiB with 256 of them, so
    // that a million of such take 8 GB.
    std::size_t cached_aggregates = 0;
    ConflictRetry conflict{};
    // These outlive the repository and are called from any thread that uses it. Null: the
    // machine's clock, randomness and sleep.
    const Clock* clock = nullptr;
    std::function<std::uint64_t()> random{};
    std::function<void(std::chrono::microseconds)> wait{};
};

// About one command. What is empty is not stored.
struct ExecuteOptions {
    // A repeat of an accepted command with this id on this aggregate changes nothing and gives the
    // first receipt, marked `repeated`. Up to 255 bytes. A command that was rejected, or decided
    // nothing, left no trace: it is decided again.
    std::string command_id{};
    // What the stream must look like for the command to be decided at all, else
    // wrong_expected_version. With exact or no_stream a conflict is not retried. exact is the last
    // event's version or, when that was erased, the last one's that can be read.
    std::optional<Expected> expected{};
    // No event that matches may be in the log, as for a unique name: else nothing is written and
    // the outcome says `exists` (of save and create: check_failed). Only in a store of one
    // partition, else cross_partition. Costs a look into the index.
    std::optional<Query> fail_if_exists{};
    std::string correlation_id{};
    std::string causation_id{};
    std::string trace_context{};
    std::uint16_t hop = 0;
    std::vector<std::string> tags{};
    Metadata metadata{};
};

// Since the repository was made. Taken without stopping anybody: figures may be a call apart.
struct RepositoryStats {
    std::uint64_t loads = 0;
    std::uint64_t events_folded = 0;
    std::uint64_t cache_hits = 0;
    std::uint64_t snapshots_used = 0;
    std::uint64_t snapshots_ignored = 0;  // another fingerprint, damaged, or of no event here
    std::uint64_t snapshots_written = 0;
    std::uint64_t snapshots_failed = 0;  // to be read or written
    std::uint64_t conflicts = 0;
    std::uint64_t repeats = 0;  // commands that had been carried out before
};

}  // namespace skald::cqrs
