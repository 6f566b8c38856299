// Control records of durable consumers: how each of them came to stand where it stands
// (docs/log_format.md, "Consumers").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "skald/consumers.h"
#include "skald/result.h"

namespace skald::wire {

// The stream of the catalogue's control records, and what stands before a consumer's name in the
// stream of its own; a `/` and when it was born stand behind it.
inline constexpr std::string_view kCatalogueStream = "$consumers";
inline constexpr std::string_view kConsumerStream = "$consumer/";
inline constexpr std::string_view kCatalogueType = "$consumers-declared";
inline constexpr std::string_view kConsumerType = "$consumer-moved";

// Offsets [first, next) that need not be looked at again: events in it are done, unless they wait
// or are parked.
struct TakenRange {
    Partition partition;
    Offset first;
    Offset next;
    bool operator==(const TakenRange&) const = default;
};
struct WaitingPlace {
    Place place;
    Version version;
    std::uint32_t bytes = 0;     // it takes in a page
    std::uint64_t key = 0;       // hash of the event's key
    Time due;                    // not before
    std::uint32_t attempts = 0;  // failures so far
    bool operator==(const WaitingPlace&) const = default;
};
struct ParkedPlace {
    Place place;
    Version version;
    std::uint32_t bytes = 0;
    std::uint64_t key = 0;
    Time at;
    std::uint32_t attempts = 0;
    bool follower = false;
    std::string reason;
    bool operator==(const ParkedPlace&) const = default;
};

// What the event of a place says of its delivery, beside when it is due.
struct DeliveryTerms {
    std::optional<Time> expires;
    bool high = false;
    std::string repeat;  // empty: it comes once
    Time anchor;         // when it is due at first; 0 for most that do not repeat
    bool operator==(const DeliveryTerms&) const = default;
};
struct PlaceTerms {
    Place place;
    DeliveryTerms terms;
    bool operator==(const PlaceTerms&) const = default;
};

// A change, or with `parts` not 0 the part-th part of all there is, which begins anew. Numbers are
// totals.
struct ConsumerRecord {
    std::uint64_t previous = 0;  // 1 more than the offset of the consumer's record before; 0: none
    std::uint32_t part = 0;
    std::uint32_t parts = 0;
    std::vector<TakenRange> taken;
    std::vector<WaitingPlace> waiting;  // new, or changed
    std::vector<ParkedPlace> parked;    // new
    std::vector<Place> settled;         // neither wait nor are parked any more
    std::uint64_t done = 0;
    std::uint64_t skipped = 0;
    std::uint64_t failures = 0;
    std::uint64_t term = 0;
    std::vector<PlaceTerms> terms;  // of what waits or is parked in this record
    std::uint64_t expired = 0;
    std::uint64_t dropped = 0;
    bool operator==(const ConsumerRecord&) const = default;
};

struct CatalogueEntry {
    ConsumerSettings settings;
    Position begins;  // settings.start, looked up when it was created
    bool paused = false;
    std::uint64_t born = 0;  // no two consumers, of one name either, share it
    bool operator==(const CatalogueEntry&) const = default;
};
// All consumers there are.
struct ConsumerCatalogue {
    std::vector<CatalogueEntry> consumers;  // by name
    std::uint64_t births = 0;               // of all times
    bool operator==(const ConsumerCatalogue&) const = default;
};

std::string encode(const ConsumerRecord& record);
std::string encode(const ConsumerCatalogue& catalogue);

// Whatever the bytes hold: malformed. They must begin at a multiple of 8.
Result<ConsumerRecord> decode_consumer_record(Bytes bytes);
Result<ConsumerCatalogue> decode_catalogue(Bytes bytes);

}  // namespace skald::wire
