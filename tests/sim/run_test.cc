#include "sim/run.h"

#include <catch2/catch.hpp>

#include "sim/planted.h"

namespace skald::sim {
namespace {

constexpr std::uint64_t kSeeds = 200;

// The first seed that violates something; 0: none.
std::uint64_t violating_seed(std::uint64_t seeds) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        if (const RunReport report = run(options_of(seed)); !report.violation.empty()) {
            UNSCOPED_INFO("seed " << seed << ": " << report.violation);
            return seed;
        }
    }
    return 0;
}

}  // namespace

TEST_CASE("sim: nothing that befalls a cluster makes it lose, double or reorder", "[sim]") {
    CHECK(violating_seed(kSeeds) == 0);
}

TEST_CASE("sim: a run does what its seed says, and something", "[sim]") {
    for (const std::uint64_t seed : {1, 2, 3, 4, 5, 6, 7, 8}) {
        const RunReport once = run(options_of(seed));
        const RunReport again = run(options_of(seed));
        CHECK(once.steps == again.steps);
        CHECK(once.acknowledged == again.acknowledged);
        CHECK(once.acknowledged > 0);
        CHECK(once.reads > 0);
        CHECK(once.epochs > 0);
    }
    CHECK(run(options_of(1)).steps != run(options_of(2)).steps);
}

// The others take more seeds: `skald_simulate faults`, in .ci/run.
TEST_CASE("sim: most planted faults are found soon", "[sim]") {
    std::size_t found = 0;
    for (const PlantedFault& planted : planted_faults()) {
        const Planted scope(planted.fault);
        found += violating_seed(20) != 0 ? 1 : 0;
    }
    CHECK(found >= planted_faults().size() / 2);
}

}  // namespace skald::sim
