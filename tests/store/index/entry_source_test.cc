#include "store/index/entry_source.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "store/index/posting_codec.h"
#include "tests/store/index/index_world.h"

namespace skald::store::index {
namespace {

std::shared_ptr<TailSegment> segment_of(std::size_t events, std::size_t streams) {
    auto segment = std::make_shared<TailSegment>(Offset(50));
    for (std::size_t i = 0; i < events; ++i) {
        Record record{fmt::format("a-{}", i % streams)};
        record.version = 10 + i / streams;
        segment->add(record.view(segment->end()), false);
    }
    return segment;
}

}  // namespace

TEST_CASE("entry_source: a segment gives its terms in order, long ones in parts", "[store]") {
    SegmentEntries entries(segment_of(5000, 2));
    std::uint64_t hash = 0;
    std::size_t postings = 0;
    std::map<std::string, std::uint64_t> versions;
    while (entries.next().value()) {
        CHECK(entries.hash() >= hash);
        hash = entries.hash();
        const Entry& entry = entries.entry();
        CHECK(entry.count <= kEntryPostingsMax);
        std::vector<std::uint64_t> offsets;
        REQUIRE(decode_postings(entry.tokens, entry.first, entry.count, offsets));
        CHECK(offsets.back() == entry.last);
        postings += offsets.size();
        if (entry.kind == EntryKind::stream) {
            auto& next = versions.try_emplace(std::string(entry.key), 10).first->second;
            CHECK(entry.version == next);
            next += entry.count;
        }
    }
    CHECK(postings == 15'000);
    CHECK(versions == std::map<std::string, std::uint64_t>{{"a-0", 2510}, {"a-1", 2510}});
}

TEST_CASE("entry_source: merged runs join a term's entries up to the bound", "[store]") {
    World world;
    for (int run = 0; run < 4; ++run) {
        for (int i = 0; i < 300; ++i) {
            world.add({"few-1", "T"});
        }
        world.roll();
        world.commit();
        while (world.maintenance().step().value() && world.index().runs()->runs.size() <= 3) {
            world.commit();
        }
    }
    world.settle();
    const auto runs = world.index().runs();
    REQUIRE(runs->runs.size() == 1);
    RunEntries entries(runs->runs[0]);
    std::vector<std::uint32_t> counts;
    while (entries.next().value()) {
        if (entries.entry().kind == EntryKind::stream) {
            counts.push_back(entries.entry().count);
        }
    }
    CHECK(counts == std::vector<std::uint32_t>{900, 300});
}

}  // namespace skald::store::index
