// Events that cannot be projected: what a projector does with them. Rule P6.
//
// An event fails when it does not decode, when its handler throws, or when a row that it makes is
// refused: a second of a unique key, or one beyond its limits (row.h). Nothing of it is in the rows
// then. What the disk or the store refuse is no event's failure: the projector stops.
//
// Threads: values.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "skald/cqrs/describe.h"
#include "skald/event.h"

namespace skald::cqrs {

struct Poison {
    enum class Policy : std::uint8_t {
        stop,   // at the event, which is tried again by the next start
        retry,  // from the last commit on, `attempts` times in all, then stop
        park,   // it and all later events of its keys, until replay_parked; then go on
    };
    Policy policy = Policy::stop;
    // For retry: at least 1; the pause before the second doubles up to backoff_max.
    unsigned attempts = 5;
    std::chrono::milliseconds backoff{100};
    std::chrono::milliseconds backoff_max{10'000};
    // For park: what an event is kept in order with, in UTF-8; the first 200 bytes of each count.
    // An event waits while an earlier one that has one of its keys is parked; one without keys
    // holds up none. Empty function: the event's stream. Events that change one row should share a
    // key, else those behind a parked one are projected without it. Called for each event; must not
    // throw.
    std::function<std::vector<std::string>(const EventView&)> keys{};

    static Poison stop() { return {}; }
    static Poison retry(unsigned attempts, std::chrono::milliseconds backoff);
    // With one key each.
    static Poison park(std::function<std::string(const EventView&)> key = {});
};

struct ParkedEvent {
    std::string key;  // that it is listed under: its first, or stream:NAME when it has none
    std::vector<std::string> keys;  // that it holds up, sorted
    std::string stream;
    Version version;
    Partition partition;
    Offset offset;
    std::string type;
    std::string reason;  // why it failed; empty for one that waits behind another
    std::uint32_t attempts = 0;

    static auto describe() {
        return record<ParkedEvent>("ParkedEvent")
            .field("key", &ParkedEvent::key)
            .field("keys", &ParkedEvent::keys)
            .field("stream", &ParkedEvent::stream)
            .field("version", &ParkedEvent::version)
            .field("partition", &ParkedEvent::partition)
            .field("offset", &ParkedEvent::offset)
            .field("type", &ParkedEvent::type)
            .field("reason", &ParkedEvent::reason)
            .field("attempts", &ParkedEvent::attempts);
    }
};

}  // namespace skald::cqrs
