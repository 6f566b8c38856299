// Stream information, lists of streams, snapshots.
#include "base/limits.h"
#include "tests/contract/fixture.h"

namespace skald::contract {
namespace {

std::vector<std::string> list(Fixture& f, const std::string& glob, std::uint32_t limit = 1000) {
    std::vector<std::string> names;
    std::string after;
    for (int pages = 0;; ++pages) {
        REQUIRE(pages < 1000);
        const auto page = f.store().list_streams(glob, after, limit);
        REQUIRE(page);
        REQUIRE(page->streams.size() <= limit);
        for (const StreamInfo& info : page->streams) {
            names.push_back(info.name);
        }
        if (page->next.empty()) {
            return names;
        }
        after = page->next;
    }
}

void info_of_a_stream(Fixture& f) {
    CHECK(f.info("s").state == StreamState::none);
    CHECK_FALSE(f.info("s").first);
    CHECK_FALSE(f.info("s").last);
    const Receipt receipt = f.append("s", {"a", "b"});
    const StreamInfo info = f.info("s");
    CHECK(info.name == "s");
    CHECK(info.partition == receipt.partition);
    CHECK(info.state == StreamState::active);
    CHECK(info.first == Version{0});
    CHECK(info.last == Version{1});
    CHECK(info.limits == StreamLimits{});
    CHECK(info.truncate_before == Version{0});
}

void lists_by_name(Fixture& f) {
    for (const char* name : {"b", "a-2", "c", "a-1", "a-10", "B", "a"}) {
        f.append(name, {"x"});
    }
    const Types all{"B", "a", "a-1", "a-10", "a-2", "b", "c"};
    for (const std::uint32_t limit : {1U, 2U, 3U, 7U, 8U, 1000U}) {
        CAPTURE(limit);
        CHECK(list(f, "*", limit) == all);
        CHECK(list(f, "a-*", limit) == Types{"a-1", "a-10", "a-2"});
    }
    CHECK(list(f, "[bc]") == Types{"b", "c"});
    CHECK(list(f, "nothing*").empty());
    CHECK(list(f, "$*").empty());
    const auto page = f.store().list_streams("*", "a-10", 2);
    REQUIRE(page);
    REQUIRE(page->streams.size() == 2);
    CHECK(page->streams[0].name == "a-2");
}

void list_tells_states(Fixture& f) {
    f.append("active", {"x", "y"});
    f.append("deleted", {"x"});
    f.append("tombstoned", {"x"});
    f.change("deleted", DeleteStream{});
    f.change("tombstoned", DeleteStream{true});
    const auto page = f.store().list_streams("*", "", 10);
    REQUIRE(page);
    REQUIRE(page->streams.size() == 3);
    CHECK(page->streams[0].state == StreamState::active);
    CHECK(page->streams[0].last == Version{1});
    CHECK(page->streams[1].state == StreamState::deleted);
    CHECK(page->streams[2].state == StreamState::tombstoned);
}

void list_has_limits(Fixture& f) {
    const auto code = [&](std::uint32_t limit) {
        return f.store().list_streams("*", "", limit).error().code;
    };
    CHECK(code(0) == Errc::invalid_argument);
    CHECK(code(limits::kListMax + 1) == Errc::invalid_argument);
}

void snapshots(Fixture& f) {
    auto none = f.store().get_snapshot("s");
    REQUIRE(none);
    CHECK_FALSE(*none);
    const std::string bytes("\0state\xff", 7);
    REQUIRE(f.store().put_snapshot("s", {Version{4}, 99, bytes}));
    auto seen = f.store().get_snapshot("s");
    REQUIRE(seen);
    REQUIRE(*seen);
    CHECK((*seen)->version == Version{4});
    CHECK((*seen)->fingerprint == 99);
    CHECK((*seen)->bytes == bytes);
    REQUIRE(f.store().put_snapshot("s", {Version{5}, 100, "new"}));
    CHECK((*f.store().get_snapshot("s"))->bytes == "new");
    CHECK_FALSE(f.store().get_snapshot("t")->has_value());
}

void snapshots_have_limits(Fixture& f) {
    const std::string large(limits::kSnapshotBytesMax, 'x');
    REQUIRE(f.store().put_snapshot("s", {Version{0}, 0, large}));
    CHECK((*f.store().get_snapshot("s"))->bytes == large);
    CHECK(f.store().put_snapshot("s", {Version{0}, 0, large + "x"}).error().code ==
          Errc::request_too_large);
    CHECK(f.store().put_snapshot("", {}).error().code == Errc::invalid_stream_name);
    CHECK(f.store().get_snapshot("").error().code == Errc::invalid_stream_name);
}

constexpr Test kTests[] = {
    {"streams: information", info_of_a_stream},
    {"streams: listed by name, page by page", lists_by_name},
    {"streams: a list tells states", list_tells_states},
    {"streams: a list has limits", list_has_limits},
    {"streams: snapshots", snapshots},
    {"streams: snapshots have limits", snapshots_have_limits},
};

}  // namespace

std::span<const Test> stream_tests() {
    return kTests;
}

}  // namespace skald::contract
