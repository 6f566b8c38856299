// What the registry must do on every coordination store.
#pragma once

#include "tests/coord/coord_contract.h"

namespace skald::coord {

// Each runs every test of its suite as a section of the running test case. Call it once in a test
// case. Who is registered, and stays so:
void run_registry_contract(CoordFactory& factory);
// How instances are seen: health, lists of old, watches.
void run_registry_view_contract(CoordFactory& factory);

}  // namespace skald::coord
