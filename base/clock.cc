#include "base/clock.h"

#include <ctime>

namespace skald {

Time SystemClock::now() const {
    timespec t{};
    clock_gettime(CLOCK_REALTIME, &t);
    return Time{static_cast<std::int64_t>(t.tv_sec) * 1'000'000 + t.tv_nsec / 1000};
}

Monotonic SystemClock::monotonic() const {
    timespec t{};
    clock_gettime(CLOCK_BOOTTIME, &t);
    return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

const SystemClock& SystemClock::instance() {
    static const SystemClock clock;
    return clock;
}

}  // namespace skald
