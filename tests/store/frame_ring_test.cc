#include "store/frame_ring.h"

#include <catch2/catch.hpp>

namespace skald::store {
namespace {

Frame frame(std::size_t bytes) {
    return std::make_shared<const std::string>(bytes, 'x');
}

}  // namespace

TEST_CASE("frame_ring: finds the batch that holds an offset", "[store]") {
    FrameRing ring(1000);
    CHECK_FALSE(ring.find(Offset{0}));
    const Frame first = frame(10);
    const Frame second = frame(10);
    ring.push(Offset{5}, Offset{8}, first);
    ring.push(Offset{8}, Offset{9}, second);
    CHECK_FALSE(ring.find(Offset{4}));
    CHECK(ring.find(Offset{5}) == first);
    CHECK(ring.find(Offset{7}) == first);
    CHECK(ring.find(Offset{8}) == second);
    CHECK_FALSE(ring.find(Offset{9}));
}

TEST_CASE("frame_ring: the oldest go when it is full, the newest stays", "[store]") {
    FrameRing ring(250);
    for (std::uint64_t i = 0; i < 3; ++i) {
        ring.push(Offset{i}, Offset{i + 1}, frame(100));
    }
    CHECK_FALSE(ring.find(Offset{0}));
    CHECK(ring.find(Offset{1}));
    CHECK(ring.owned_bytes() == 200);
    ring.push(Offset{3}, Offset{4}, frame(1000));
    CHECK_FALSE(ring.find(Offset{2}));
    CHECK(ring.find(Offset{3}));
    ring.clear();
    CHECK_FALSE(ring.find(Offset{3}));
    CHECK(ring.owned_bytes() == 0);
}

TEST_CASE("frame_ring: memory counts, not what is used of it", "[store]") {
    FrameRing ring(250);
    for (std::uint64_t i = 0; i < 2; ++i) {
        std::string small(100, 'x');
        small.reserve(200);
        ring.push(Offset{i}, Offset{i + 1}, std::make_shared<const std::string>(std::move(small)));
    }
    CHECK_FALSE(ring.find(Offset{0}));
    CHECK(ring.find(Offset{1}));
}

}  // namespace skald::store
