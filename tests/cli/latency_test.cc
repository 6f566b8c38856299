#include "cli/latency.h"

#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <climits>
#include <cmath>
#include <vector>

namespace skald::cli {

using std::chrono::nanoseconds;

TEST_CASE("latency: percentiles are within 2 % of the true ones, and never below", "[model]") {
    CHECK(rc::check([](std::vector<std::uint32_t> all) {
        if (all.empty()) {
            return;
        }
        Latencies latencies;
        for (const std::uint32_t ns : all) {
            latencies.add(nanoseconds(ns));
        }
        std::sort(all.begin(), all.end());
        for (const double part : {0.01, 0.5, 0.9, 1.0}) {
            const auto rank = static_cast<std::size_t>(
                std::max(1.0, std::ceil(part * static_cast<double>(all.size()))));
            const auto exact = static_cast<double>(all[rank - 1]);
            const auto given = static_cast<double>(latencies.percentile(part).count());
            RC_ASSERT(given >= exact);
            RC_ASSERT(given <= exact * 1.02);
        }
    }));
}

TEST_CASE("latency: nothing, sums, and the largest there is") {
    Latencies latencies;
    CHECK(latencies.percentile(0.5) == nanoseconds(0));
    latencies.add(nanoseconds(-5));
    latencies.add(nanoseconds(INT64_MAX));
    Latencies others;
    others.add(nanoseconds(3));
    latencies.add(others);
    CHECK(latencies.count() == 3);
    CHECK(latencies.percentile(0.5) == nanoseconds(3));
    CHECK(latencies.percentile(1) == nanoseconds(INT64_MAX));
}

}  // namespace skald::cli
