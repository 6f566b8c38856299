// The replication model with larger bounds than a test run has time for.
//
//   skald_model [MILLIONS]     each search ends after so many million states; 20 unless given
//
// Prints a line a search, and the shortest trace of a violation. Exit status: whether there was
// one.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include "tests/model/configurations.h"

int main(int count, char** arguments) {
    using namespace skald::model;
    const std::uint64_t millions =
        count > 1 ? std::strtoull(arguments[1], nullptr, 10) : std::uint64_t{20};
    int status = 0;
    for (const Search& each : long_searches(millions * 1'000'000)) {
        const Result result = search(each.setup, each.states, each.healing);
        fmt::print("{}\n", line_of(each, result));
        for (const std::string& step : result.report.trace) {
            fmt::print("    {}\n", step);
            status = 1;
        }
        std::fflush(stdout);
    }
    return status;
}
