// Where the time of appends goes: for skald_stage_seconds and skald_request_seconds.
#pragma once

#include <array>
#include <cstdint>

#include "base/clock.h"
#include "store/volume.h"

namespace skald::broker {

enum class Stage : std::uint8_t { receive, queue, decode, check, commit, reply };
inline constexpr std::size_t kStages = 6;
inline constexpr std::array<const char*, kStages> kStageNames{"receive", "queue",  "decode",
                                                              "check",   "commit", "reply"};

inline constexpr std::array<std::int64_t, 14> kBucketsNs{
    10'000,    25'000,    50'000,     100'000,    250'000,     500'000,       1'000'000,
    2'500'000, 5'000'000, 10'000'000, 50'000'000, 100'000'000, 1'000'000'000, 10'000'000'000};

struct Histogram {
    std::uint64_t count = 0;
    std::int64_t sum_ns = 0;
    std::array<std::uint64_t, kBucketsNs.size() + 1> buckets{};
    void add(std::int64_t ns, std::uint64_t times);
};

// The moments of a request on its way. Requests of one round of the node's thread share the first
// three; those of one commit the next three: the stages between add up to the whole.
struct RoundTimes {
    Monotonic arrived{};    // the round began to drain the socket
    Monotonic drained{};    // it had what waited
    Monotonic submitted{};  // it had decoded that and handed it on
    bool operator==(const RoundTimes&) const = default;
};

class StageStats {
  public:
    // One request that was decided in a commit, and is answered at `replied`.
    void add(const RoundTimes& round, const store::CommitTimes& commit, Monotonic replied);
    // Counts what add() holds back.
    void settle();

    Histogram request;
    std::array<Histogram, kStages> stages;

  private:
    // Runs of requests with the same times are counted in one go.
    RoundTimes round_;
    store::CommitTimes commit_;
    Monotonic replied_{};
    std::uint64_t run_ = 0;
};

}  // namespace skald::broker
