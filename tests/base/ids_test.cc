#include "skald/ids.h"

#include <rapidcheck/catch.h>

#include <catch2/catch.hpp>

namespace skald {
namespace {

TEST_CASE("ids: a time prints as RFC 3339 in UTC with microseconds", "[base]") {
    CHECK(to_string(Time{0}) == "1970-01-01T00:00:00.000000Z");
    CHECK(to_string(Time{1'709'164'799'999'999}) == "2024-02-28T23:59:59.999999Z");
    CHECK(to_string(Time{-1}) == "1969-12-31T23:59:59.999999Z");
}

TEST_CASE("ids: a time is read with any offset and fraction", "[base]") {
    CHECK(parse_time("2010-10-02T07:20:39.266Z") == Time{1'286'004'039'266'000});
    CHECK(parse_time("2010-10-02T09:20:39.266+02:00") == parse_time("2010-10-02T07:20:39.266Z"));
    CHECK(parse_time("2010-10-02t07:20:39z") == Time{1'286'004'039'000'000});
    CHECK(parse_time("2024-02-29T00:00:00.123456789Z")->us % 1'000'000 == 123'456);
}

TEST_CASE("ids: what is no time is refused", "[base]") {
    for (const char* text :
         {"", "2010-10-02", "2010-10-02T07:20:39", "2010-13-02T07:20:39Z", "2023-02-29T00:00:00Z",
          "2010-10-02T24:00:00Z", "2010-10-02T07:60:00Z", "2010-10-02T07:20:39.Z",
          "2010-10-02T07:20:39.1234567890Z", "2010-10-02T07:20:39+2:00", "2010-10-02T07:20:39Zx",
          "0000-01-01T00:00:00Z", "2010-00-02T07:20:39Z", "2010-10-00T07:20:39Z"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_time(text));
    }
}

TEST_CASE("ids: every time between the years 1 and 9999 survives a round trip", "[base]") {
    rc::prop("parse_time(to_string(t)) == t", [] {
        const auto us =
            *rc::gen::inRange<std::int64_t>(-62'135'596'800'000'000, 253'402'300'800'000'000);
        RC_ASSERT(parse_time(to_string(Time{us})) == Time{us});
    });
}

TEST_CASE("ids: a UUID prints in lower case and is read in either", "[base]") {
    const auto id = parse_uuid("0190163D-8694-739B-AEA5-966C26F8AD91");
    REQUIRE(id);
    CHECK(to_string(*id) == "0190163d-8694-739b-aea5-966c26f8ad91");
    for (const char* text :
         {"", "0190163d8694739baea5966c26f8ad91", "0190163d-8694-739b-aea5-966c26f8ad9",
          "g190163d-8694-739b-aea5-966c26f8ad91", "0190163d-8694-739b-aea5_966c26f8ad91",
          "{190163d-8694-739b-aea5-966c26f8ad9}"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_uuid(text));
    }
}

}  // namespace
}  // namespace skald
