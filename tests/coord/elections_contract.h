// What elections must do on every coordination store.
#pragma once

#include "tests/coord/coord_contract.h"

namespace skald::coord {

// Runs every test of the suite as a section of the running test case. Call it once in a test case.
void run_elections_contract(CoordFactory& factory);

}  // namespace skald::coord
