#include "store/stream_list.h"

#include "tests/store/fixture.h"

namespace skald::store {
namespace {

std::vector<std::string> names(const StreamList& list) {
    std::vector<std::string> names;
    for (const StreamInfo& info : list.streams) {
        names.push_back(info.name);
    }
    return names;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("stream_list: by name, in pages, over all partitions", "[store]") {
    for (const std::uint16_t partitions : {std::uint16_t{1}, std::uint16_t{4}}) {
        TestLog log(partitions);
        for (const char* name : {"b-2", "a-1", "c", "b-1", "a-2"}) {
            log.append(name, {"x"});
        }
        const auto all = log.store().list_streams("*", "", 10).value();
        CHECK(names(all) == Names{"a-1", "a-2", "b-1", "b-2", "c"});
        CHECK(all.next.empty());
        const auto page = log.store().list_streams("*-*", "a-1", 2).value();
        CHECK(names(page) == Names{"a-2", "b-1"});
        CHECK(page.next == "b-1");
        CHECK(names(log.store().list_streams("*-*", page.next, 2).value()) == Names{"b-2"});
        CHECK_FALSE(log.store().list_streams("*", "", 0));
        CHECK_FALSE(log.store().list_streams("*", "", 1001));
    }
}

TEST_CASE("stream_list: tells a stream's first and last visible event", "[store]") {
    TestLog log;
    CHECK(log.store().stream_info("s").value().state == StreamState::none);
    log.append("s", {"0", "1", "2", "3"});
    auto info = log.store().stream_info("s").value();
    CHECK(info.first == Version{0});
    CHECK(info.last == Version{3});
    StreamLimits limits;
    limits.max_count = 3;
    limits.max_age = std::chrono::seconds(60);
    log.change("s", SetLimits{limits});
    log.clock().advance(std::chrono::seconds(61));
    log.append("s", {"4"});
    info = log.store().stream_info("s").value();
    CHECK(info.limits == limits);
    CHECK(info.first == Version{4});
    log.change("s", DeleteStream{});
    info = log.store().stream_info("s").value();
    CHECK(info.state == StreamState::deleted);
    CHECK_FALSE(info.first);
    CHECK(info.last == Version{4});
}

TEST_CASE("stream_list: a change that makes no sense is refused", "[store]") {
    TestLog log;
    log.append("s", {"0"});
    const auto code = [&](const std::string& stream, const LifecycleChange& change) {
        const auto done = log.store().change_stream({stream, Expected::stream_exists(), change});
        REQUIRE_FALSE(done);
        return done.error().code;
    };
    CHECK(code("s", EraseEvent{Version{1}}) == Errc::not_found);
    CHECK(code("none", TruncateStream{Version{1}}) == Errc::wrong_expected_version);
    StreamLimits limits;
    limits.max_count = 0;
    CHECK(code("s", SetLimits{limits}) == Errc::invalid_argument);
    limits = {};
    limits.max_age = std::chrono::milliseconds(999);
    CHECK(code("s", SetLimits{limits}) == Errc::invalid_argument);
    log.change("s", DeleteStream{true});
    CHECK(code("s", SetLimits{}) == Errc::stream_tombstoned);
    const auto append = log.store().append(Append::one("s", event_of("t", "")));
    REQUIRE_FALSE(append);
    CHECK(append.error().code == Errc::stream_tombstoned);
}

}  // namespace skald::store
