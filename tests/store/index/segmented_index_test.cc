#include "store/index/segmented_index.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/store/index/index_world.h"

namespace skald::store::index {
namespace {

const std::function<bool(std::string_view)> kAll = [](std::string_view) { return true; };

void require_all_same(World& world, const lmdb::ReadTxn& txn, std::uint64_t below) {
    const auto snapshot = world.index().snapshot(txn, Offset(below)).value();
    for (const TermKind kind : {TermKind::stream, TermKind::category, TermKind::type,
                                TermKind::correlation, TermKind::tag}) {
        const auto keys = world.oracle().keys(kind, below);
        REQUIRE(snapshot->keys(kind, "", 1000, kAll).value() == keys);
        for (const std::string& key : keys) {
            require_same(*snapshot, world.oracle(), kind, key, below);
        }
    }
    REQUIRE(snapshot->fingerprint().value() == world.oracle().fingerprint(below));
}

void add_some(World& world) {
    for (std::size_t i = 0; i < 40; ++i) {
        world.add({fmt::format("a-{}", i % 7),
                   fmt::format("T{}", i % 3),
                   "c",
                   {"x", "x"},
                   i % 11 == 5,
                   i % 13 == 4,
                   0,
                   {}});
    }
}

}  // namespace

TEST_CASE("segmented_index: a new one is empty", "[store]") {
    World world;
    CHECK(world.index().covered() == Offset(0));
    CHECK(world.index().end() == Offset(0));
    CHECK_FALSE(world.index().head("a-1").value().has_value());
    const auto txn = world.read();
    require_all_same(world, txn, 0);
}

TEST_CASE("segmented_index: the same answers from the tail, from runs and after reopening",
          "[store]") {
    World world;
    add_some(world);
    require_all_same(world, world.read(), world.end());
    require_all_same(world, world.read(), 20);
    world.roll();
    add_some(world);
    require_all_same(world, world.read(), world.end());
    world.settle();
    CHECK(world.index().covered().value >= limits::kTailEventsMax);
    require_all_same(world, world.read(), world.end());
    require_all_same(world, world.read(), 20);
    world.reopen();
    require_all_same(world, world.read(), world.end());
}

TEST_CASE("segmented_index: head joins events and lifecycle of different parts", "[store]") {
    World world;
    world.add({"a-1"});
    world.add({"only-1", "$limits", "", {}, true, false, 0, {}});
    world.roll();
    world.settle();
    world.add({"a-1", "$limits", "", {}, true, false, 0, {}});
    const std::uint64_t control = world.end() - 1;
    CHECK(world.index().head("a-1").value()->next == Version(1));
    CHECK(world.index().head("a-1").value()->last == Offset(0));
    CHECK(world.index().head("a-1").value()->lifecycle == Offset(control));
    CHECK(world.index().head("only-1").value()->next == Version(0));
    CHECK_FALSE(world.index().head("only-1").value()->last.has_value());
    CHECK(world.index().head("only-1").value()->lifecycle == Offset(1));
    const auto txn = world.read();
    const auto before = world.index().snapshot(txn, Offset(control)).value();
    CHECK_FALSE(before->head("a-1").value()->lifecycle.has_value());
}

TEST_CASE("segmented_index: a transaction older than the runs sees no gap and no duplicate",
          "[store]") {
    World world;
    add_some(world);
    world.roll();
    const auto old = world.read();
    const std::uint64_t old_end = world.end();
    const auto taken_early = world.index().snapshot(old, Offset(old_end)).value();
    for (int i = 0; i < 3; ++i) {
        world.settle();
        add_some(world);
        world.roll();
    }
    world.settle();
    CHECK(world.index().covered().value > old_end);
    require_all_same(world, old, old_end);
    CHECK(taken_early->fingerprint().value() == world.oracle().fingerprint(old_end));
    require_all_same(world, world.read(), world.end());
}

TEST_CASE("segmented_index: a transaction far too old is refused, not answered wrongly",
          "[store]") {
    World world;
    add_some(world);
    world.roll();
    const auto old = world.read();
    const std::uint64_t old_end = world.end();
    for (std::size_t i = 0; i < kRetiredMax + 2; ++i) {
        world.settle();
        world.add({"a-1"});
        world.roll();
    }
    world.settle();
    CHECK(world.index().snapshot(old, Offset(old_end)).error().code == Errc::busy);
}

TEST_CASE("segmented_index: what retired is dropped once no reader needs it", "[store]") {
    World world;
    const std::size_t before = world.index().owned_bytes();
    std::size_t during = 0;
    {
        const auto old = world.read();
        add_some(world);
        world.roll();
        world.settle();
        during = world.index().owned_bytes();
    }
    for (int i = 0; i < 32; ++i) {
        world.commit();
    }
    CHECK(world.index().owned_bytes() + 64 * limits::kKiB < during);
    CHECK(world.index().owned_bytes() < before + 4096);
}

TEST_CASE("segmented_index: nothing is sealed above the high-watermark", "[store]") {
    World world;
    add_some(world);
    world.roll();
    world.index().set_sealable(Offset(limits::kTailEventsMax - 1));
    CHECK_FALSE(world.maintenance().step().value());
    world.index().set_sealable(Offset(limits::kTailEventsMax));
    CHECK(world.maintenance().step().value());
}

TEST_CASE("segmented_index: it is full while four segments wait", "[store]") {
    World world;
    for (std::size_t i = 0; i < kSealedMax; ++i) {
        CHECK_FALSE(world.index().full());
        world.add({"a-1"});
        world.roll();
    }
    CHECK(world.index().full());
    world.settle();
    CHECK_FALSE(world.index().full());
}

TEST_CASE("segmented_index: keys come in order, above a key, filtered and limited", "[store]") {
    World world;
    for (int i = 0; i < 30; ++i) {
        world.add({fmt::format("k{:02}-1", (i * 7) % 30)});
        if (i == 15) {
            world.roll();
            world.settle();
        }
    }
    const auto txn = world.read();
    const auto snapshot = world.index().snapshot(txn, Offset(world.end())).value();
    const auto even = [](std::string_view key) { return key[2] % 2 == 0; };
    const std::vector<std::string> expected{"k06", "k08", "k10"};
    CHECK(snapshot->keys(TermKind::category, "k05", 3, even).value() == expected);
    CHECK(snapshot->keys(TermKind::category, "k29", 3, kAll).value().empty());
    CHECK(snapshot->keys(TermKind::category, "", 0, kAll).value().empty());
    CHECK(snapshot->keys(TermKind::stream, "", 100, kAll).value().size() == 30);
}

TEST_CASE("segmented_index: a damaged manifest is refused at open", "[store]") {
    TempDirectory directory;
    const auto env = open_env(directory.path());
    const auto databases = SegmentedIndex::open(*env, Partition(0)).value()->databases();
    auto txn = env->write().value();
    REQUIRE(txn.put(databases.manifest, as_bytes(kManifestKey), as_bytes("nonsense")));
    REQUIRE(std::move(txn).commit());
    CHECK(PartitionIndex::open(*env, Partition(0)).error().code == Errc::corrupt);
}

}  // namespace skald::store::index
