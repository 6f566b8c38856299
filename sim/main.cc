// sim [--seeds N] [--from S]: runs of the simulated cluster, one line of what they showed. Ends
// with 1 at the first seed that violates something, which it prints.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "sim/run.h"

int main(int argc, char** argv) {
    std::uint64_t from = 1;
    std::uint64_t seeds = 1000;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view name = argv[i];
        (name == "--from" ? from : seeds) = std::strtoull(argv[i + 1], nullptr, 10);
    }
    std::uint64_t steps = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t epochs = 0;
    double recovery = 0;
    for (std::uint64_t seed = from; seed < from + seeds; ++seed) {
        const auto report = skald::sim::run(skald::sim::options_of(seed));
        if (!report.violation.empty()) {
            fmt::print("seed {}: {}\n", seed, report.violation);
            return 1;
        }
        steps += report.steps;
        acknowledged += report.acknowledged;
        epochs += report.epochs;
        recovery = std::max(recovery, report.recovery_s);
    }
    fmt::print(
        "sim: seeds={} from={} steps={} acknowledged={} epochs={} recovery_max_s={:.1f} "
        "violations=0\n",
        seeds, from, steps, acknowledged, epochs, recovery);
    return 0;
}
