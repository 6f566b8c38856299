// Candidates that come and go at random, on any coordination store.
#pragma once

#include "tests/coord/coord_contract.h"

namespace skald::coord {

// At each quiet point who leads is the one whom the rule names. Call it once in a test case, which
// it runs several times.
void run_elections_crowd(CoordFactory& factory);

}  // namespace skald::coord
