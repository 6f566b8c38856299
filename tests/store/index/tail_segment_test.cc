#include "store/index/tail_segment.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/store/index/index_world.h"

namespace skald::store::index {
namespace {

void add(TailSegment& segment, Record record) {
    record.encode_fields();
    segment.add(record.view(segment.end()), record.hole);
}

std::vector<std::uint32_t> offsets_of(const TailSegment& segment, EntryKind kind,
                                      std::string_view key) {
    std::vector<std::uint32_t> offsets;
    if (const auto list = segment.find(Target::of(kind, key))) {
        for (const auto piece : segment.pieces(*list)) {
            offsets.insert(offsets.end(), piece.begin(), piece.end());
        }
        CHECK(offsets.size() == list->count);
        CHECK(offsets.back() == list->last);
    }
    return offsets;
}

}  // namespace

TEST_CASE("tail_segment: an event is found under each of its terms, a tag once", "[store]") {
    TailSegment segment(Offset(100));
    add(segment, {"order-1", "Placed", "c", {"x", "y", "x"}, false, false, 0, {}});
    CHECK(segment.end() == Offset(101));
    for (const auto& [kind, key] :
         std::vector<std::pair<EntryKind, std::string>>{{EntryKind::stream, "order-1"},
                                                        {EntryKind::category, "order"},
                                                        {EntryKind::type, "Placed"},
                                                        {EntryKind::correlation, "c"},
                                                        {EntryKind::tag, "x"},
                                                        {EntryKind::tag, "y"}}) {
        CHECK(offsets_of(segment, kind, key) == std::vector<std::uint32_t>{0});
    }
    CHECK_FALSE(segment.find(Target::of(EntryKind::lifecycle, "order-1")));
    CHECK(segment.terms().size() == 6);
}

TEST_CASE("tail_segment: holes and control records have one term", "[store]") {
    TailSegment segment(Offset(0));
    add(segment, {"a-1", "T", "c", {"x"}, false, true, 0, {}});
    CHECK_FALSE(segment.has_lifecycles());
    add(segment, {"a-1", "$limits", "c", {"x"}, true, false, 0, {}});
    CHECK(segment.has_lifecycles());
    CHECK(segment.terms().size() == 2);
    CHECK(offsets_of(segment, EntryKind::stream, "a-1") == std::vector<std::uint32_t>{0});
    CHECK(offsets_of(segment, EntryKind::lifecycle, "a-1") == std::vector<std::uint32_t>{1});
}

TEST_CASE("tail_segment: skipping before the first record costs no room", "[store]") {
    TailSegment segment(Offset(0));
    for (std::size_t i = 0; i < 2 * limits::kTailEventsMax; ++i) {
        segment.skip();
    }
    CHECK_FALSE(segment.full());
    add(segment, {"a-1"});
    CHECK(segment.base() == Offset(2 * limits::kTailEventsMax));
    CHECK(segment.begin() == Offset(0));
}

TEST_CASE("tail_segment: lists of every length keep their order", "[store]") {
    TailSegment segment(Offset(0));
    std::vector<std::uint32_t> expected;
    for (std::uint32_t i = 0; i < 3000; ++i) {
        add(segment, {i % 3 == 0 ? "a-1" : fmt::format("b-{}", i)});
        if (i % 3 == 0) {
            expected.push_back(i);
            REQUIRE(offsets_of(segment, EntryKind::stream, "a-1") == expected);
        }
    }
    CHECK(offsets_of(segment, EntryKind::category, "b").size() == 2000);
    CHECK(offsets_of(segment, EntryKind::type, "Type").size() == 3000);
}

TEST_CASE("tail_segment: many large keys fill it before its events do, within the bound",
          "[store]") {
    TailSegment segment(Offset(0));
    std::size_t events = 0;
    for (; !segment.full(); ++events) {
        Record record{"a-1"};
        for (int i = 0; i < 64; ++i) {
            record.tags.push_back(fmt::format("{:0>250}", events * 64 + static_cast<unsigned>(i)));
        }
        add(segment, record);
    }
    CHECK(events < limits::kTailEventsMax);
    CHECK(segment.owned_bytes() < kTailBytesMax + 4 * limits::kMiB);
    CHECK(offsets_of(segment, EntryKind::tag, fmt::format("{:0>250}", 64)).size() == 1);
}

}  // namespace skald::store::index
