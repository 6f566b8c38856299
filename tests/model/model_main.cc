// The replication model with larger bounds than a test run has time for, and without those rules
// that were not seen to be needed, one at a time.
//
//   skald_model_search [MILLIONS [TEXT]]
//
// First walks at random, 10,000 for each million. Then each search ends after so many million
// states, 20 unless given. TEXT: only what has it in its name. Prints a line each, and the trace of
// a violation, for a search a shortest one. Exit status: whether the rules as they are were
// violated.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include "tests/model/configurations.h"

namespace {

using namespace skald::model;

// Each of these returns whether a violation was found.

bool print(const Search& search, const Result& result) {
    fmt::print("{}\n", line_of(search, result));
    for (const std::string& step : result.report.trace) {
        fmt::print("    {}\n", step);
    }
    std::fflush(stdout);
    return !result.report.violation.empty();
}

bool run(const std::vector<Search>& searches, const std::string& text) {
    bool found = false;
    for (const Search& each : searches) {
        if (each.setup.name.find(text) == std::string::npos) {
            continue;
        }
        found = print(each, search(each.setup, each.states, each.healing)) || found;
    }
    return found;
}

bool walk_all(const std::vector<Setup>& setups, std::uint64_t walks, const std::string& text) {
    bool found = false;
    for (const Setup& setup : setups) {
        if (setup.name.find(text) != std::string::npos) {
            found = print({setup}, wander(setup, walks, walks)) || found;
        }
    }
    return found;
}

}  // namespace

int main(int count, char** arguments) {
    const std::uint64_t millions =
        count > 1 ? std::strtoull(arguments[1], nullptr, 10) : std::uint64_t{20};
    const std::string text = count > 2 ? arguments[2] : "";
    bool broken = walk_all(wide_setups(), millions * 10'000, text);
    broken = run(long_searches(millions * 1'000'000), text) || broken;
    const bool needed = walk_all(harmless_wide_setups(), millions * 10'000, text);
    if (run(harmless_searches(millions * 1'000'000), text) || needed) {
        fmt::print("a rule that was thought not to be needed is\n");
    }
    return broken ? 1 : 0;
}
