// Time as an input: stores take a clock, so that tests decide what time it is.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "skald/ids.h"

namespace skald {

// For waits, ages and rates: never runs backwards.
using Monotonic = std::chrono::nanoseconds;

// Thread safe.
class Clock {
  public:
    virtual ~Clock() = default;
    virtual Time now() const = 0;
    virtual Monotonic monotonic() const = 0;
};

// The machine's: CLOCK_REALTIME and CLOCK_BOOTTIME.
class SystemClock final : public Clock {
  public:
    Time now() const override;
    Monotonic monotonic() const override;
    static const SystemClock& instance();
};

// Stands still until told otherwise. For tests and the simulator.
class ManualClock final : public Clock {
  public:
    explicit ManualClock(Time start = Time{1'700'000'000'000'000}) : now_us_(start.us) {}
    Time now() const override { return Time{now_us_.load()}; }
    Monotonic monotonic() const override { return std::chrono::microseconds(passed_us_.load()); }
    void advance(std::chrono::microseconds by) {
        now_us_ += by.count();
        passed_us_ += by.count();
    }

  private:
    std::atomic<std::int64_t> now_us_;
    std::atomic<std::int64_t> passed_us_ = 0;
};

}  // namespace skald
