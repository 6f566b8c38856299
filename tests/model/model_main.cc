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

namespace {

using namespace skald::model;

// Whether a violation was found.
bool run(const std::vector<Search>& searches) {
    bool found = false;
    for (const Search& each : searches) {
        const Result result = search(each.setup, each.states, each.healing);
        fmt::print("{}\n", line_of(each, result));
        for (const std::string& step : result.report.trace) {
            fmt::print("    {}\n", step);
        }
        std::fflush(stdout);
        found = found || !result.report.violation.empty();
    }
    return found;
}

}  // namespace

int main(int count, char** arguments) {
    const std::uint64_t millions =
        count > 1 ? std::strtoull(arguments[1], nullptr, 10) : std::uint64_t{20};
    const bool broken = run(long_searches(millions * 1'000'000));
    if (run(harmless_searches(millions * 1'000'000))) {
        fmt::print("a rule that was thought not to be needed is\n");
    }
    return broken ? 1 : 0;
}
