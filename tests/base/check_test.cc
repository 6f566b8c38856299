#include "base/check.h"

#include <catch2/catch.hpp>

#include "tests/ended_child.h"

namespace skald {

TEST_CASE("check: a true condition does nothing and evaluates once", "[base]") {
    int evaluations = 0;
    SKALD_CHECK(++evaluations == 1, "evaluated more than once");
    CHECK(evaluations == 1);
}

TEST_CASE("check: the message is evaluated only on failure", "[base]") {
    bool built = false;
    const auto message = [&built] {
        built = true;
        return std::string_view("never printed");
    };
    SKALD_CHECK(!built, message());
    CHECK_FALSE(built);
}

TEST_CASE("check: a false condition says where and why, then aborts", "[base][crash]") {
    const EndedChild ended = run_in_child([] { SKALD_CHECK(1 + 1 == 3, "sums are broken"); });
    CHECK(ended.aborted());
    CHECK_THAT(ended.written, Catch::Contains("check_test.cc:"));
    CHECK_THAT(ended.written, Catch::Contains("1 + 1 == 3: sums are broken\n"));
}

}  // namespace skald
