// The searches that are made: the rules as they are to be implemented, and each seeded bug.
#pragma once

#include <vector>

#include "tests/model/replication_model.h"

namespace skald::model {

struct Search {
    Setup setup;
    bool healing = false;      // check liveness in each state too
    std::uint64_t states = 0;  // of the short search; it must be complete below that
};

// The rules, small enough for every test run; complete unless the bound says otherwise.
std::vector<Search> short_searches();
// Each of them with one bound raised at a time, for hours.
std::vector<Search> long_searches(std::uint64_t states);

struct Seeded {
    const char* what;
    Setup setup;
    bool caught = true;  // false: not needed as far as was searched
};

std::vector<Seeded> seeded_bugs();

// Everything at once, in each mode: for random walks.
std::vector<Setup> wide_setups();

// Both once more without each rule that was not seen to be needed.
std::vector<Search> harmless_searches(std::uint64_t states);
std::vector<Setup> harmless_wide_setups();

// A line for people: what was searched and what came of it.
std::string line_of(const Search& search, const Result& result);

}  // namespace skald::model
