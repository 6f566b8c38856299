// skald_simulate [seeds|faults] [--seeds N] [--from S]
//
// `seeds`: runs of the simulated cluster, and one line of what they showed; ends with 1 at the
// first that violates something. `faults`: plants each fault in turn, and ends with 1 when one is
// not found within so many seeds.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "sim/planted.h"
#include "sim/run.h"

namespace skald::sim {
namespace {

struct Asked {
    std::string_view verb = "seeds";
    std::uint64_t seeds = 1000;
    std::uint64_t from = 1;
};

int usage() {
    fmt::print(stderr, "usage: skald_simulate [seeds|faults] [--seeds N] [--from S]\n");
    return 2;
}

bool read(int argc, char** argv, Asked& asked) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "seeds" || word == "faults") {
            asked.verb = word;
            continue;
        }
        if ((word != "--seeds" && word != "--from") || i + 1 == argc) {
            return false;
        }
        char* end = nullptr;
        const std::uint64_t number = std::strtoull(argv[++i], &end, 10);
        if (*end != '\0' || number == 0) {
            return false;
        }
        (word == "--seeds" ? asked.seeds : asked.from) = number;
    }
    return true;
}

int run_seeds(const Asked& asked) {
    RunReport sum;
    for (std::uint64_t seed = asked.from; seed < asked.from + asked.seeds; ++seed) {
        const RunReport report = run(options_of(seed));
        if (!report.violation.empty()) {
            fmt::print("sim: seed={} violation: {}\n", seed, report.violation);
            return 1;
        }
        sum.steps += report.steps;
        sum.acknowledged += report.acknowledged;
        sum.reads += report.reads;
        sum.epochs += report.epochs;
        sum.recovery_s = std::max(sum.recovery_s, report.recovery_s);
    }
    fmt::print(
        "sim: seeds={} from={} steps={} acknowledged={} reads={} epochs={} "
        "recovery_max_s={:.1f} violations=0\n",
        asked.seeds, asked.from, sum.steps, sum.acknowledged, sum.reads, sum.epochs,
        sum.recovery_s);
    return 0;
}

// The seed that shows the fault; 0: none does.
std::uint64_t find(const PlantedFault& planted, const Asked& asked) {
    const Planted scope(planted.fault);
    for (std::uint64_t seed = asked.from; seed < asked.from + asked.seeds; ++seed) {
        const RunReport report = run(options_of(seed));
        if (!report.violation.empty()) {
            fmt::print("fault {}: seed={} {}\n", planted.name, seed,
                       report.violation.substr(0, report.violation.find('\n')));
            return seed;
        }
    }
    fmt::print("fault {}: not found in {} seeds\n", planted.name, asked.seeds);
    return 0;
}

int run_faults(const Asked& asked) {
    std::size_t missed = 0;
    for (const PlantedFault& planted : planted_faults()) {
        missed += find(planted, asked) == 0 ? 1 : 0;
        std::fflush(stdout);
    }
    fmt::print("sim: faults={} missed={}\n", planted_faults().size(), missed);
    return missed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace skald::sim

int main(int argc, char** argv) {
    skald::sim::Asked asked;
    if (!skald::sim::read(argc, argv, asked)) {
        return skald::sim::usage();
    }
    return asked.verb == "faults" ? skald::sim::run_faults(asked) : skald::sim::run_seeds(asked);
}
