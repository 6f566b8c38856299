#include "base/duration.h"

#include <catch2/catch.hpp>

namespace skald {

TEST_CASE("duration: a number and its unit") {
    using std::chrono::microseconds;
    CHECK(parse_duration("250ms") == microseconds(250'000));
    CHECK(parse_duration("10s") == microseconds(10'000'000));
    CHECK(parse_duration("5m") == std::chrono::minutes(5));
    CHECK(parse_duration("24h") == std::chrono::hours(24));
    CHECK(parse_duration("7d") == std::chrono::hours(7 * 24));
    for (const char* const bad : {"", "5", "s", "-1s", "1.5s", "0s", "5x", "999999999999999999d",
                                  "s10", " 1s", "1 s", "1S"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_duration(bad));
    }
}

}  // namespace skald
