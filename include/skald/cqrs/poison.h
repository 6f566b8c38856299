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

#include "skald/cqrs/describe.h"
#include "skald/event.h"

namespace skald::cqrs {

struct Poison {
    enum class Policy : std::uint8_t {
        stop,   // at the event, which is tried again by the next start
        retry,  // from the last commit on, `attempts` times in all, then stop
        park,   // it and all later events of its key, until replay_parked; then go on
    };
    Policy policy = Policy::stop;
    // For retry: at least 1; the pause before the second doubles up to backoff_max.
    unsigned attempts = 5;
    std::chrono::milliseconds backoff{100};
    std::chrono::milliseconds backoff_max{10'000};
    // For park: what is kept in order together; its first 200 bytes count. Empty: the event's
    // stream. Events that change one row should share a key, else those behind a parked one are
    // projected without it. Called for each event; must not throw.
    std::function<std::string(const EventView&)> key{};

    static Poison stop() { return {}; }
    static Poison retry(unsigned attempts, std::chrono::milliseconds backoff);
    static Poison park(std::function<std::string(const EventView&)> key = {});
};

struct ParkedEvent {
    std::string key;
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
