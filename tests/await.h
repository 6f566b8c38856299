// Until something is so that nobody tells of.
#pragma once

#include <catch2/catch.hpp>

#include "skald/clock.h"

namespace skald {

template <typename Condition>
void await(const Condition& condition) {
    const Clock& clock = SystemClock::instance();
    const Monotonic end = clock.monotonic() + std::chrono::seconds(60);
    while (!condition()) {
        if (clock.monotonic() > end) {
            FAIL("it never came to be so");
        }
    }
}

}  // namespace skald
