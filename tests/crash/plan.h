// What the producers of a crash run write, as a pure function of seed, lane and sequence: a run
// that was killed can ask for any request again, and the auditor knows every event that may be
// there.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "skald/event_store.h"

namespace skald::crash {

// Lanes are producers. The last has no producer id: its retries rest on event ids and versions.
inline constexpr std::uint16_t kLanes = 5;
inline constexpr std::uint16_t kOutsideLane = 4;

// Which event of which request: readable from the event's id.
struct EventKey {
    std::uint16_t lane = 0;
    std::uint16_t index = 0;
    std::uint64_t sequence = 0;
    bool operator==(const EventKey&) const = default;
};
Uuid id_of(std::uint64_t seed, EventKey key);
std::optional<EventKey> key_of(std::uint64_t seed, const Uuid& id);

std::uint64_t mix(std::uint64_t value);

// One lane's requests in order. All streams of a lane are in one partition; a lane's exact streams
// are its own, so the versions it expects follow from its own past.
class Lane {
  public:
    Lane(std::uint64_t seed, std::uint16_t lane) : seed_(seed), lane_(lane) {}

    std::uint64_t sequence() const { return sequence_; }  // of the next request
    // The next request, without its producer.
    Append next();
    void skip_to(std::uint64_t sequence);
    Uuid producer_id() const;

  private:
    static constexpr std::size_t kStreams = 3;
    std::string stream(std::string_view kind, std::uint64_t number) const;
    StreamAppend exact(std::uint64_t dice, std::size_t events);
    StreamAppend open(std::string_view kind, std::uint64_t dice, std::size_t events);
    void fill(Append& request, std::uint64_t dice) const;

    std::uint64_t seed_;
    std::uint16_t lane_;
    std::uint64_t sequence_ = 0;
    std::array<std::uint64_t, kStreams> versions_{};  // of the exact streams: the next one's
};

}  // namespace skald::crash
