// The randomness of one run, all of it from one seed (SplitMix64).
#pragma once

#include <chrono>
#include <cstdint>

namespace skald::sim {

class Chance {
  public:
    explicit Chance(std::uint64_t seed) : state_(seed * 0x9E37'79B9'7F4A'7C15 + 0x1234'5678) {}
    std::uint64_t next() {
        state_ += 0x9E37'79B9'7F4A'7C15;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9;
        z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EB;
        return z ^ (z >> 31);
    }
    // Below n, which is at least 1.
    std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }
    // In so many of a thousand cases.
    bool per_mille(std::size_t n) { return below(1000) < n; }
    std::chrono::nanoseconds between(std::chrono::nanoseconds least,
                                     std::chrono::nanoseconds most) {
        return least + std::chrono::nanoseconds(
                           below(static_cast<std::size_t>((most - least).count()) + 1));
    }

  private:
    std::uint64_t state_;
};

}  // namespace skald::sim
