#include "cqrs/touched.h"

#include <catch2/catch.hpp>

namespace skald::cqrs {

TEST_CASE("touched: two collide when one changed what the other read or changed", "[cqrs]") {
    Touched a;
    Touched b;
    a.changed(0, 9);
    a.changed(0, 4);
    a.read(0, 7);
    b.changed(0, 1);
    b.read(0, 2);
    bool expected = true;
    SECTION("nothing in common") {
        expected = false;
    }
    SECTION("both read it") {
        b.read(0, 7);
        expected = false;
    }
    SECTION("another tree's") {
        b.changed(1, 4);
        b.read(2, 9);
        expected = false;
    }
    SECTION("both changed it") {
        b.changed(0, 4);
    }
    SECTION("the first changed what the second read") {
        b.read(0, 9);
    }
    SECTION("the second changed what the first read") {
        b.changed(0, 7);
    }
    a.sort();
    b.sort();
    CHECK(a.collides(b) == expected);
    CHECK(b.collides(a) == expected);
    a.clear();
    CHECK_FALSE(a.collides(b));
    CHECK(a.bytes() == 0);
}

}  // namespace skald::cqrs
