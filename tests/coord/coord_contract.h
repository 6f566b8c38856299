// What every coordination store must do, as a suite that each back end runs.
#pragma once

#include <catch2/catch.hpp>
#include <initializer_list>
#include <memory>
#include <utility>

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

// Each of these a section, on a store of its own.
template <typename Desk>
void run_sections(CoordFactory& factory,
                  std::initializer_list<std::pair<const char*, void (*)(Desk&)>> tests) {
    for (const auto& [name, test] : tests) {
        SECTION(name) {
            Desk desk(factory);
            test(desk);
        }
    }
}

// Runs every test of the suite as a section of the running test case. Call it once in a test case.
void run_coord_contract(CoordFactory& factory);

}  // namespace skald::coord
