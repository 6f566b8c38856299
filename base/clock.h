// Time as an input. Nothing but SystemClock reads the machine's clocks.
#pragma once

#include <chrono>

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
    explicit ManualClock(Time start = Time{1'700'000'000'000'000}) : now_(start) {}
    Time now() const override { return now_; }
    Monotonic monotonic() const override { return monotonic_; }
    void advance(std::chrono::microseconds by) {
        now_.us += by.count();
        monotonic_ += by;
    }

  private:
    Time now_;
    Monotonic monotonic_{0};
};

}  // namespace skald
