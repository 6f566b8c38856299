#include "store/index/maintenance.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/store/index/index_world.h"

namespace skald::store::index {
namespace {

void add_segment(World& world, int streams) {
    for (int i = 0; i < streams; ++i) {
        world.add({fmt::format("a-{}", i), "T", fmt::format("correlation-{}", i)});
    }
    world.roll();
}

std::vector<std::uint32_t> levels(World& world) {
    std::vector<std::uint32_t> levels;
    for (const RunInfo& run : world.index().runs()->manifest.runs) {
        levels.push_back(run.level);
    }
    return levels;
}

void require_whole(World& world) {
    const auto txn = world.read();
    const auto snapshot = world.index().snapshot(txn, Offset(world.end())).value();
    REQUIRE(snapshot->fingerprint().value() == world.oracle().fingerprint(world.end()));
}

}  // namespace

TEST_CASE("maintenance: four runs of a level become one of the next", "[store]") {
    World world;
    for (int i = 0; i < 21; ++i) {
        add_segment(world, 3);
        world.settle();
    }
    CHECK(levels(world) == std::vector<std::uint32_t>{2, 1, 0});
    CHECK(world.dead_blocks() == 0);
    require_whole(world);
}

TEST_CASE("maintenance: a slice stays within its bytes, and the queues within theirs", "[store]") {
    World world;
    for (int i = 0; i < 4; ++i) {
        add_segment(world, 40'000);
    }
    world.commit();
    while (world.maintenance().step().value()) {
    }
    CHECK(world.maintenance().pending());
    std::uint64_t before = 0;
    while (world.maintenance().pending()) {
        world.commit();
        std::uint64_t bytes = 0;
        auto txn = world.read();
        auto cursor = lmdb::Cursor::open(txn, world.index().databases().runs).value();
        for (auto entry = cursor.first().value(); entry; entry = cursor.next().value()) {
            bytes += entry->value.size();
        }
        CHECK(bytes <= before + limits::kSliceBytesMax);
        before = bytes;
    }
    CHECK(before > 0);
    CHECK(before <= kReadyBytesMax + limits::kSliceBytesMax + kBlockBytesMax);
    world.settle();
    require_whole(world);
}

TEST_CASE("maintenance: memory stays bounded while nothing is applied", "[store]") {
    World world;
    std::size_t owned = 0;
    for (int i = 0; i < 40; ++i) {
        add_segment(world, 500);
        world.settle();
        owned = std::max(owned, world.index().owned_bytes());
    }
    CHECK(owned < 2 * limits::kMiB);
}

TEST_CASE("maintenance: a crash at every point leaves a whole index and no lost block", "[store]") {
    for (int point = 0; point < 22; point += 1 + point / 8) {
        World world;
        for (int i = 0; i < 4; ++i) {
            add_segment(world, 9000);
        }
        world.commit();
        for (int i = 0; i < point; ++i) {
            REQUIRE(world.maintenance().step().has_value());
            if (i % 2 == 1) {
                world.commit();
            }
        }
        if (point % 3 == 0) {
            world.crash();
        } else {
            world.reopen();
        }
        require_whole(world);
        world.settle();
        require_whole(world);
        CHECK(world.dead_blocks() == 0);
    }
}

TEST_CASE("maintenance: blocks of a half written run are erased a few at a time", "[store]") {
    World world;
    {
        auto txn = world.env().write().value();
        const std::string block(4096, 'x');
        for (std::uint64_t i = 0; i < 3 * kErasesMax; ++i) {
            REQUIRE(txn.put(world.index().databases().runs, block_key(900, i), as_bytes(block)));
        }
        REQUIRE(std::move(txn).commit());
    }
    world.reopen();
    CHECK(world.maintenance().pending());
    world.commit();
    CHECK(world.dead_blocks() == 2 * kErasesMax);
    world.settle();
    CHECK(world.dead_blocks() == 0);
    CHECK_FALSE(world.maintenance().pending());
    CHECK(world.index().next_run_id() == 901);
}

TEST_CASE("maintenance: a damaged block stops a merge with an error", "[store]") {
    World world;
    for (int i = 0; i < 3; ++i) {
        add_segment(world, 30);
        world.settle();
    }
    const std::uint64_t run = world.index().runs()->manifest.runs[1].id;
    auto txn = world.env().write().value();
    const auto db = world.index().databases().runs;
    std::string block(as_text(**txn.get(db, block_key(run, 0))));
    block[100] = static_cast<char>(block[100] ^ 1);
    REQUIRE(txn.put(db, block_key(run, 0), as_bytes(block)));
    REQUIRE(std::move(txn).commit());
    world.reopen();
    add_segment(world, 30);
    world.commit();
    auto worked = world.maintenance().step();
    for (; worked && *worked; worked = world.maintenance().step()) {
        world.commit();
    }
    REQUIRE_FALSE(worked);
    CHECK(worked.error().code == Errc::corrupt);
    const auto read = world.read();
    const auto snapshot = world.index().snapshot(read, Offset(world.end())).value();
    CHECK(snapshot->fingerprint().error().code == Errc::corrupt);
}

}  // namespace skald::store::index
