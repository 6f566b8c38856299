// Durations counted in buckets, for percentiles: 15 KiB however many they are, within 2 %.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace skald::cli {

class Latencies {
  public:
    void add(std::chrono::nanoseconds duration);
    void add(const Latencies& others);
    std::uint64_t count() const { return count_; }
    // Not below the share `part` (0-1) of what was added; the largest for 1; 0 of nothing.
    std::chrono::nanoseconds percentile(double part) const;

  private:
    static constexpr unsigned kStepBits = 6;  // 64 steps to each power of two
    static constexpr std::size_t kBuckets = (64 - kStepBits + 1) << kStepBits;

    static std::size_t bucket_of(std::uint64_t ns);
    static std::uint64_t top_of(std::size_t bucket);

    std::array<std::uint32_t, kBuckets> counts_{};
    std::uint64_t count_ = 0;
    std::uint64_t max_ = 0;
};

}  // namespace skald::cli
