// Stores of this process, on a clock that stands still until it is told otherwise.
#pragma once

#include "coord/local_coord.h"
#include "tests/coord/coord_contract.h"
#include "tests/temp_directory.h"

namespace skald::coord {

class LocalFactory final : public CoordFactory {
  public:
    std::unique_ptr<Coord> open() override {
        auto opened = open_coord(directory_.path("coord"), clock_);
        REQUIRE(opened);
        return std::move(*opened);
    }
    void pass(Coord& coord, std::chrono::milliseconds time) override {
        clock_.advance(time);
        dynamic_cast<LocalCoord&>(coord).wake();
    }
    // While none is open.
    void pass_closed(std::chrono::milliseconds time) { clock_.advance(time); }
    std::string directory() const { return directory_.path("coord"); }

  private:
    const TempDirectory directory_;
    ManualClock clock_;
};

}  // namespace skald::coord
