// What takes events away, and what stays (rule L6).
#include "tests/contract/fixture.h"

namespace skald::contract {
namespace {

// Every selection that leads to the stream sees the same of it.
void check_visible(Fixture& f, const std::string& stream, const Types& expected) {
    CHECK(f.types(Selection::stream(stream)) == expected);
    CHECK(f.types(Selection::stream(stream), End{}, true) ==
          Types(expected.rbegin(), expected.rend()));
    CHECK(f.types(Selection::all()) == expected);
    CHECK(f.types(Selection::category("s")) == expected);
    Selection query = Selection::matching({{{{}, {}}}});
    CHECK(f.types(query) == expected);
}

void truncate(Fixture& f) {
    f.append("s", {"a", "b", "c", "d"});
    f.change("s", TruncateStream{Version{2}});
    check_visible(f, "s", {"c", "d"});
    const StreamInfo info = f.info("s");
    CHECK(info.first == Version{2});
    CHECK(info.last == Version{3});
    CHECK(info.truncate_before == Version{2});
    CHECK(f.types(Selection::stream("s"), Version{0}) == Types{"c", "d"});
    CHECK(f.append("s", {"e"}, Expected::exact(3)).version == Version{4});
    if (f.reopen()) {
        check_visible(f, "s", {"c", "d", "e"});
    }
}

// What a snapshot holds of the events that are taken away must go with them.
void snapshots_go(Fixture& f) {
    const auto snapshot = [&](const std::string& stream) {
        auto found = f.store().get_snapshot(stream);
        REQUIRE(found);
        return *found ? (*found)->bytes : "none";
    };
    f.append("s", {"a", "b", "c", "d"});
    f.append("t", {"a"});
    REQUIRE(f.store().put_snapshot("t", {Version{0}, 1, "other"}));
    const LifecycleChange changes[] = {EraseEvent{Version{1}}, TruncateStream{Version{1}},
                                       SetLimits{{2, std::nullopt}}, DeleteStream{},
                                       DeleteStream{true}};
    for (const LifecycleChange& change : changes) {
        REQUIRE(f.store().put_snapshot("s", {Version{3}, 1, "sum"}));
        REQUIRE(snapshot("s") == "sum");
        f.change("s", change, Expected::any());
        CHECK(snapshot("s") == "none");
    }
    CHECK(snapshot("t") == "other");
    if (f.reopen()) {
        CHECK(snapshot("s") == "none");
        CHECK(snapshot("t") == "other");
    }
}

void snapshots_stay_when_refused(Fixture& f) {
    f.append("s", {"a", "b"});
    REQUIRE(f.store().put_snapshot("s", {Version{1}, 1, "sum"}));
    (void)f.change_refused({"s", Expected::exact(7), EraseEvent{Version{0}}});
    CHECK((*f.store().get_snapshot("s"))->bytes == "sum");
}

void truncation_never_goes_back(Fixture& f) {
    f.append("s", {"a", "b", "c"});
    f.change("s", TruncateStream{Version{2}});
    f.change("s", TruncateStream{Version{1}});
    CHECK(f.info("s").truncate_before == Version{2});
    check_visible(f, "s", {"c"});
}

void truncate_all(Fixture& f) {
    f.append("s", {"a", "b"});
    f.change("s", TruncateStream{Version{1000}});
    check_visible(f, "s", {});
    const StreamInfo info = f.info("s");
    CHECK(info.state == StreamState::active);
    CHECK_FALSE(info.first);
    CHECK(info.last == Version{1});
    CHECK(f.append("s", {"c"}).version == Version{2});
    check_visible(f, "s", {"c"});
}

void max_count(Fixture& f) {
    f.append("s", {"a", "b", "c"});
    f.change("s", SetLimits{{2, std::nullopt}});
    check_visible(f, "s", {"b", "c"});
    CHECK(f.info("s").limits.max_count == 2);
    CHECK(f.info("s").first == Version{1});
    f.append("s", {"d", "e"});
    check_visible(f, "s", {"d", "e"});
    f.change("s", SetLimits{});
    CHECK_FALSE(f.info("s").limits.max_count);
}

void max_age(Fixture& f) {
    ManualClock* clock = f.factory().clock();
    if (clock == nullptr) {
        return;
    }
    f.append("s", {"a"});
    clock->advance(std::chrono::seconds(10));
    f.append("s", {"b"});
    f.change("s", SetLimits{{std::nullopt, std::chrono::seconds(15)}});
    check_visible(f, "s", {"a", "b"});
    // Ages are measured by the log's own clock, which the next commit moves on.
    clock->advance(std::chrono::seconds(10));
    f.append("s", {"c"});
    check_visible(f, "s", {"b", "c"});
    CHECK(f.info("s").first == Version{1});
    CHECK(f.info("s").limits.max_age == std::chrono::seconds(15));
}

void soft_delete(Fixture& f) {
    f.append("s", {"a", "b"});
    f.change("s", DeleteStream{});
    CHECK(f.read_error(read_of(Selection::stream("s"))) == Errc::stream_deleted);
    CHECK(f.read_all(Selection::all()).empty());
    CHECK(f.info("s").state == StreamState::deleted);
    CHECK(f.info("s").last == Version{1});
    CHECK_FALSE(f.info("s").first);
    CHECK(f.append("s", {"c"}, Expected::no_stream()).version == Version{2});
    CHECK(f.info("s").state == StreamState::active);
    CHECK(f.info("s").first == Version{2});
    check_visible(f, "s", {"c"});
    if (f.reopen()) {
        check_visible(f, "s", {"c"});
    }
}

void tombstone(Fixture& f) {
    f.append("s", {"a"});
    f.change("s", DeleteStream{true});
    CHECK(f.read_error(read_of(Selection::stream("s"))) == Errc::stream_tombstoned);
    CHECK(f.read_all(Selection::all()).empty());
    CHECK(f.info("s").state == StreamState::tombstoned);
    const Lifecycle again{"s", Expected::any(), SetLimits{}};
    CHECK(f.change_refused(again).code == Errc::stream_tombstoned);
    if (f.reopen()) {
        CHECK(f.refused(append_of("s", {"b"})).code == Errc::stream_tombstoned);
    }
}

void tombstone_of_a_deleted_stream(Fixture& f) {
    f.append("s", {"a"});
    f.change("s", DeleteStream{});
    f.change("s", DeleteStream{true}, Expected::any());
    CHECK(f.info("s").state == StreamState::tombstoned);
}

void erase(Fixture& f) {
    f.append("s", {"a", "b", "c"});
    f.change("s", EraseEvent{Version{1}});
    check_visible(f, "s", {"a", "c"});
    const auto events = f.read_all(Selection::stream("s"));
    REQUIRE(events.size() == 2);
    CHECK(events[1].version == Version{2});
    CHECK(f.info("s").last == Version{2});
    CHECK(f.append("s", {"d"}, Expected::exact(2)).version == Version{3});
    const Lifecycle missing{"s", Expected::any(), EraseEvent{Version{9}}};
    CHECK(f.change_refused(missing).code == Errc::not_found);
    CHECK(f.info("s").first == Version{0});
    if (f.reopen()) {
        check_visible(f, "s", {"a", "c", "d"});
    }
}

void erased_events_are_not_the_first(Fixture& f) {
    f.append("s", {"a", "b", "c", "d"});
    f.change("s", EraseEvent{Version{2}});
    f.change("s", EraseEvent{Version{0}});
    CHECK(f.info("s").first == Version{1});
    f.change("s", EraseEvent{Version{1}});
    CHECK(f.info("s").first == Version{3});
    f.change("s", EraseEvent{Version{3}});
    CHECK_FALSE(f.info("s").first);
    CHECK(f.info("s").last == Version{3});
}

void change_rests_on_its_expectation(Fixture& f) {
    const Lifecycle missing{"s", Expected::stream_exists(), SetLimits{}};
    CHECK(f.change_refused(missing).code == Errc::wrong_expected_version);
    f.append("s", {"a", "b"});
    const Lifecycle stale{"s", Expected::exact(0), DeleteStream{}};
    const Error error = f.change_refused(stale);
    CHECK(error.code == Errc::wrong_expected_version);
    CHECK(error.conflicts == std::vector<Conflict>{{"s", "0", 1}});
    CHECK(f.info("s").state == StreamState::active);
    f.change("s", DeleteStream{}, Expected::exact(1));
}

void change_takes_an_offset(Fixture& f) {
    const Receipt before = f.append("s", {"a"});
    const Receipt change = f.change("s", TruncateStream{Version{0}});
    CHECK(change.stream == "s");
    CHECK(change.offset == before.offset + 1);
    CHECK(change.version == before.version);
    const Receipt after = f.append("s", {"b"});
    CHECK(after.offset == before.offset + 2);
    CHECK(after.version == Version{1});
    CHECK(compare(change.position, after.position) == Order::before);
}

void change_names_the_last_version(Fixture& f) {
    CHECK(f.change("new", SetLimits{}, Expected::any()).version == Version{0});
    f.append("s", {"a", "b", "c"});
    CHECK(f.change("s", SetLimits{}).version == Version{2});
    CHECK(f.change("s", TruncateStream{Version{1}}).version == Version{2});
    CHECK(f.change("s", EraseEvent{Version{1}}).version == Version{2});
    CHECK(f.change("s", DeleteStream{}).version == Version{2});
    CHECK(f.change("s", DeleteStream{true}, Expected::exact(2)).version == Version{2});
}

void limits_before_the_first_event(Fixture& f) {
    f.change("s", SetLimits{{1, std::nullopt}}, Expected::no_stream());
    CHECK(f.info("s").state == StreamState::none);
    CHECK(f.info("s").limits.max_count == 1);
    f.append("s", {"a", "b"}, Expected::no_stream());
    check_visible(f, "s", {"b"});
}

void bad_limits(Fixture& f) {
    f.append("s", {"a"});
    const auto code = [&](StreamLimits limits) {
        return f.change_refused({"s", Expected::any(), SetLimits{limits}}).code;
    };
    CHECK(code({0, std::nullopt}) == Errc::invalid_argument);
    CHECK(code({std::nullopt, std::chrono::milliseconds(999)}) == Errc::invalid_argument);
    CHECK(code({std::nullopt, std::chrono::seconds(-1)}) == Errc::invalid_argument);
    CHECK(f.change_refused({"", Expected::any(), DeleteStream{}}).code ==
          Errc::invalid_stream_name);
    CHECK(f.change_refused({"$s", Expected::any(), DeleteStream{}}).code ==
          Errc::invalid_stream_name);
}

void repeats_outlive_truncation(Fixture& f) {
    Append append;
    append.streams = {{"s", Expected::no_stream(), {event_with_id("a", 1)}}};
    const Receipt first = f.append(append);
    f.append("s", {"b"});
    f.change("s", TruncateStream{Version{1}});
    const Receipt again = f.append(append);
    CHECK(again.repeated);
    CHECK(again.offset == first.offset);
}

constexpr Test kTests[] = {
    {"lifecycle: truncate", truncate},
    {"lifecycle: truncation never goes back", truncation_never_goes_back},
    {"lifecycle: truncate all", truncate_all},
    {"lifecycle: max count", max_count},
    {"lifecycle: max age", max_age},
    {"lifecycle: soft delete goes on counting", soft_delete},
    {"lifecycle: tombstone", tombstone},
    {"lifecycle: tombstone of a deleted stream", tombstone_of_a_deleted_stream},
    {"lifecycle: erase one event", erase},
    {"lifecycle: erased events are not the first", erased_events_are_not_the_first},
    {"lifecycle: a change rests on its expectation", change_rests_on_its_expectation},
    {"lifecycle: a change takes an offset", change_takes_an_offset},
    {"lifecycle: a change names the last version", change_names_the_last_version},
    {"lifecycle: limits before the first event", limits_before_the_first_event},
    {"lifecycle: bad limits", bad_limits},
    {"lifecycle: repeats outlive truncation", repeats_outlive_truncation},
    {"lifecycle: snapshots go with what they hold", snapshots_go},
    {"lifecycle: snapshots stay when a change is refused", snapshots_stay_when_refused},
};

}  // namespace

std::span<const Test> lifecycle_tests() {
    return kTests;
}

}  // namespace skald::contract
