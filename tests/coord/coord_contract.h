// What every coordination store must do, as a suite that each back end runs.
#pragma once

#include <memory>

#include "skald/clock.h"
#include "skald/coord.h"

namespace skald::coord {

class CoordFactory {
  public:
    virtual ~CoordFactory() = default;
    // A store that nobody else uses, and empty.
    virtual std::unique_ptr<Coord> open() = 0;
    // Lets so much time pass, for the store's leases.
    virtual void pass(Coord& coord, std::chrono::milliseconds time) = 0;
};

// Runs every test of the suite as a section of the running test case. Call it once in a test case.
void run_coord_contract(CoordFactory& factory);

}  // namespace skald::coord
