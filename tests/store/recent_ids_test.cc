#include "store/recent_ids.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <map>

#include "base/bytes.h"
#include "base/limits.h"

namespace skald::store {
namespace {

Uuid id_of(std::uint64_t n) {
    Uuid id;
    store_le(id.bytes.data() + 8, n);
    return id;
}

std::optional<Offset> find(const RecentIds& ids, std::uint64_t n) {
    return ids.find(id_of(n), [&](Offset at) { return at == Offset{n}; });
}

}  // namespace

TEST_CASE("recent_ids: an empty one finds nothing", "[store]") {
    const RecentIds ids(1000);
    CHECK_FALSE(find(ids, 0));
    CHECK(ids.owned_bytes() == 0);
}

TEST_CASE("recent_ids: remembers between half of its capacity and all of it", "[store]") {
    constexpr std::uint64_t kCapacity = 20'000;
    RecentIds ids(kCapacity);
    for (std::uint64_t n = 0; n < 5 * kCapacity; ++n) {
        ids.add(id_of(n), Offset{n}, Time{0});
        if (n % 997 == 0) {
            const std::uint64_t first = n >= kCapacity / 2 ? n - kCapacity / 2 + 1 : 0;
            CHECK(find(ids, first) == Offset{first});
            CHECK(find(ids, n) == Offset{n});
            CHECK((n < kCapacity || !find(ids, n - kCapacity)));
        }
    }
    CHECK(ids.owned_bytes() <= kCapacity * 4 * sizeof(std::uint64_t));
}

TEST_CASE("recent_ids: forgets what is old", "[store]") {
    RecentIds ids(100'000);
    const auto age = std::chrono::microseconds(limits::kRecentIdsAge).count();
    ids.add(id_of(1), Offset{1}, Time{0});
    ids.add(id_of(2), Offset{2}, Time{age});
    CHECK(find(ids, 1));
    ids.add(id_of(3), Offset{3}, Time{age + 1});
    CHECK(find(ids, 1));
    ids.add(id_of(4), Offset{4}, Time{2 * age + 2});
    CHECK_FALSE(find(ids, 1));
    CHECK(find(ids, 3));
}

TEST_CASE("recent_ids: what is not confirmed is not found", "[store]") {
    RecentIds ids(10'000);
    for (std::uint64_t n = 0; n < 10; ++n) {
        ids.add(id_of(7), Offset{n}, Time{0});
    }
    std::size_t asked = 0;
    CHECK_FALSE(ids.find(id_of(7), [&](Offset) {
        ++asked;
        return false;
    }));
    CHECK(asked == 10);
}

TEST_CASE("recent_ids: an id that is used all the time neither fills it nor slows it", "[store]") {
    RecentIds ids(10'000);
    ids.add(id_of(1), Offset{1}, Time{0});
    for (std::uint64_t n = 2; n < 100'000; ++n) {
        ids.add(id_of(7), Offset{n}, Time{0});
    }
    ids.add(id_of(100'000), Offset{100'000}, Time{0});
    CHECK(find(ids, 1));
    CHECK(find(ids, 100'000));
    std::size_t asked = 0;
    CHECK_FALSE(ids.find(id_of(7), [&](Offset) {
        ++asked;
        return false;
    }));
    CHECK(asked <= 16);
    CHECK(ids.owned_bytes() < 100'000);
}

TEST_CASE("recent_ids: finds every id of its window", "[store][model]") {
    CHECK(rc::check("finds every id of its window", [](const std::vector<std::uint64_t>& added) {
        RecentIds ids(4096);
        std::map<std::uint64_t, std::uint64_t> where;
        std::uint64_t offset = *rc::gen::arbitrary<std::uint32_t>();
        for (const std::uint64_t n : added) {
            where[n] = offset;
            ids.add(id_of(n), Offset{offset++}, Time{0});
        }
        for (const auto& [n, at] : where) {
            RC_ASSERT(ids.find(id_of(n), [at = at](Offset o) { return o == Offset{at}; }));
        }
    }));
}

}  // namespace skald::store
