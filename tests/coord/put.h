// A key is put, and that is that.
#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "skald/coord.h"

namespace skald::coord {

inline Revision put(Coord& coord, const std::string& key, const std::string& value) {
    const auto done = coord.txn({{}, {Put{key, value, {}}}, {}});
    INFO((done ? std::string() : done.error().message));
    REQUIRE(done);
    return done->revision;
}

}  // namespace skald::coord
