#include "store/stream_state.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "base/limits.h"
#include "tests/wire/hex.h"

namespace skald::store {
namespace {

constexpr Time kNow{1'000'000'000};

bool alive(const StreamControl& control, std::uint64_t version, std::uint64_t next) {
    return control.alive(Version{version}, kNow, Version{next}, kNow);
}

}  // namespace

TEST_CASE("stream_state: without a record everything is seen", "[store]") {
    const StreamControl control;
    CHECK(control.state(Version{0}) == StreamState::none);
    CHECK(control.state(Version{1}) == StreamState::active);
    CHECK(alive(control, 0, 1));
}

TEST_CASE("stream_state: truncation only rises, and not beyond the end", "[store]") {
    StreamControl control = apply_change({}, TruncateStream{Version{3}}, Version{5}).control;
    CHECK(control.truncate_before == Version{3});
    CHECK_FALSE(alive(control, 2, 5));
    CHECK(alive(control, 3, 5));
    control = apply_change(control, TruncateStream{Version{1}}, Version{5}).control;
    CHECK(control.truncate_before == Version{3});
    control = apply_change(control, TruncateStream{Version{99}}, Version{5}).control;
    CHECK(control.truncate_before == Version{5});
    CHECK(control.state(Version{5}) == StreamState::active);
}

TEST_CASE("stream_state: limits by number and by age", "[store]") {
    StreamLimits limits;
    limits.max_count = 2;
    limits.max_age = std::chrono::seconds(10);
    const StreamControl control = apply_change({}, SetLimits{limits}, Version{5}).control;
    CHECK(control.first_visible(Version{1}) == Version{0});
    CHECK(control.first_visible(Version{5}) == Version{3});
    CHECK_FALSE(alive(control, 2, 5));
    const Time edge{kNow.us - 10'000'000};
    CHECK(control.alive(Version{4}, edge, Version{5}, kNow));
    CHECK_FALSE(control.alive(Version{4}, Time{edge.us - 1}, Version{5}, kNow));
}

TEST_CASE("stream_state: what a queue is done with is not seen", "[store]") {
    const Removal removal{Version{2}, {{Version{4}, Version{6}}, {Version{8}, Version{9}}}};
    ControlChange change = apply_removal({}, removal, Version{20});
    CHECK(change.type == kRemovedType);
    StreamControl& control = change.control;
    CHECK(decode_control(encode_control(control)) == control);
    for (std::uint64_t version = 0; version < 20; ++version) {
        const bool gone = version < 2 || version == 4 || version == 5 || version == 8;
        CHECK(alive(control, version, 20) != gone);
    }
    control = apply_change(control, TruncateStream{Version{6}}, Version{20}).control;
    CHECK(control.removed == std::vector<VersionRange>{{Version{8}, Version{9}}});
    CHECK_FALSE(alive(control, 8, 20));
    control = apply_removal(control, {Version{30}, {}}, Version{20}).control;
    CHECK(control.truncate_before == Version{20});
    CHECK(control.removed.empty());
}

TEST_CASE("stream_state: the bytes of the document's removal", "[store][golden]") {
    StreamControl control;
    control.truncate_before = Version{5};
    control.removed = {{Version{7}, Version{9}}, {Version{12}, Version{13}}};
    const std::string written = wire::fenced(SKALD_LOG_FORMAT, "removal");
    CHECK(wire::to_hex(encode_control(control)) == wire::to_hex(written));
    CHECK(decode_control(written) == control);
}

TEST_CASE("stream_state: what was removed stays so", "[store]") {
    StreamControl control =
        apply_removal({}, {Version{2}, {{Version{4}, Version{6}}}}, Version{9}).control;
    control = apply_removal(control, {Version{2}, {}}, Version{9}).control;
    CHECK_FALSE(alive(control, 5, 9));
    control = apply_removal(control, {Version{2}, {{Version{6}, Version{8}}}}, Version{9}).control;
    CHECK(control.removed == std::vector<VersionRange>{{Version{4}, Version{8}}});

    Removal gaps;
    for (std::uint64_t i = 0; i < limits::kRemovedRangesMax; ++i) {
        gaps.behind.push_back({Version{10 * i + 100}, Version{10 * i + 101}});
    }
    control = apply_removal({}, gaps, Version{100'000}).control;
    control = apply_removal(control, {Version{0}, {{Version{50}, Version{51}}}}, Version{100'000})
                  .control;
    CHECK(control.removed.size() == limits::kRemovedRangesMax);
    CHECK(alive(control, 50, 100'000));
    CHECK_FALSE(alive(control, gaps.behind.back().first.value, 100'000));
    const VersionRange most{Version{101}, gaps.behind.back().first};
    control = apply_removal(control, {Version{0}, {most}}, Version{100'000}).control;
    CHECK(control.removed == std::vector<VersionRange>{{Version{100}, gaps.behind.back().next}});
}

TEST_CASE("stream_state: a stream that came back stays one when all of it is removed", "[store]") {
    StreamControl control = apply_change({}, DeleteStream{}, Version{5}).control;
    REQUIRE(control.state(Version{6}) == StreamState::active);
    control = GENERATE(true, false)
                  ? apply_removal(control, {Version{6}, {}}, Version{6}).control
                  : apply_change(control, TruncateStream{Version{6}}, Version{6}).control;
    CHECK(control.state(Version{6}) == StreamState::active);
}

TEST_CASE("stream_state: ranges that are out of order are not read", "[store]") {
    StreamControl control;
    control.removed = {{Version{4}, Version{6}}, {Version{8}, Version{9}}};
    const std::string sound = encode_control(control);
    REQUIRE(decode_control(sound));
    CHECK_FALSE(decode_control(sound.substr(0, sound.size() - 1)));
    CHECK_FALSE(decode_control(sound.substr(0, sound.size() - 32)));
    CHECK_FALSE(decode_control(encode_control({}) + sound.substr(sound.size() - 16)));
    control.removed = {{Version{8}, Version{9}}, {Version{4}, Version{6}}};
    CHECK_FALSE(decode_control(encode_control(control)));
    control.removed = {{Version{4}, Version{4}}};
    CHECK_FALSE(decode_control(encode_control(control)));
}

TEST_CASE("stream_state: a deleted stream comes back with its next event", "[store]") {
    const ControlChange change = apply_change({}, DeleteStream{}, Version{5});
    CHECK(change.type == kDeletedType);
    CHECK(change.control.state(Version{5}) == StreamState::deleted);
    CHECK(change.control.state(Version{6}) == StreamState::active);
    CHECK_FALSE(alive(change.control, 4, 6));
    CHECK(alive(change.control, 5, 6));
}

TEST_CASE("stream_state: a tombstone is for ever", "[store]") {
    const ControlChange change = apply_change({}, DeleteStream{true}, Version{5});
    CHECK(change.type == kTombstonedType);
    CHECK(change.control.state(Version{9}) == StreamState::tombstoned);
    CHECK_FALSE(alive(change.control, 8, 9));
}

TEST_CASE("stream_state: an erasure is of its record only", "[store]") {
    const StreamControl erased = apply_change({}, EraseEvent{Version{2}}, Version{5}).control;
    CHECK(erased.erased == Version{2});
    CHECK_FALSE(apply_change(erased, SetLimits{}, Version{5}).control.erased);
}

TEST_CASE("stream_state: what is encoded is decoded, and nothing else", "[store]") {
    CHECK(rc::check("what is encoded is decoded", [](std::uint64_t before, std::uint64_t count,
                                                     std::uint32_t age, bool deleted, bool hard) {
        StreamControl control;
        control.truncate_before = Version{before};
        control.deleted = deleted;
        control.tombstoned = hard;
        if (count % 2 != 0) {
            control.limits.max_count = count;
            control.erased = Version{count};
        }
        if (age % 2 != 0) {
            control.limits.max_age = std::chrono::microseconds(age);
        }
        const std::string bytes = encode_control(control);
        RC_ASSERT(decode_control(bytes) == control);
        RC_ASSERT(!decode_control(bytes.substr(1)));
        RC_ASSERT(!decode_control(bytes + "x"));
        std::string later = bytes;
        later[0] = 2;
        RC_ASSERT(!decode_control(later));
    }));
}

}  // namespace skald::store
