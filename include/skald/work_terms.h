// When durable consumers give out an event, said by whoever publishes it: delayed, scheduled, again
// and again, not after a time, before others. What JetStream's message schedules and TTL and
// RabbitMQ's delay, expiration and priority are for.
//
// All of it is metadata of the event under names of ours, so that any client can write it and the
// log keeps it: reads and subscriptions take no notice of it. Times up to 100 years. Semantics:
// docs/consumers.md.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "skald/event.h"
#include "skald/result.h"

namespace skald {

struct WorkTerms {
    std::optional<Time> at;  // `$deliver-at`, RFC 3339: not before
    std::optional<std::chrono::milliseconds>
        delay;  // `$deliver-after`, as 10s: recorded_at and so long
    // `$ttl`, as 1h: from when it may be given out. Not done by then, and at no member, it expires.
    std::optional<std::chrono::milliseconds> ttl;
    bool high = false;  // `$priority`, high or normal: before all others that a shared consumer has
    // `$repeat`: once acknowledged, it comes again when this says: `every 10m`, or five fields of
    // cron in UTC. A SkipWork ends it. Of shared consumers only.
    std::string repeat;
    bool operator==(const WorkTerms&) const = default;
};

// Adds what is said to the event's metadata. `at` and `delay` exclude each other.
void set_work_terms(NewEvent& event, const WorkTerms& terms);
// What an event's metadata says. invalid_argument names the key that cannot be read.
Result<WorkTerms> work_terms_of(const EventView& event);

}  // namespace skald
