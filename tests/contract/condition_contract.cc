// What an append may rest on besides its own streams: checks, a query, a fence.
#include "tests/contract/fixture.h"

namespace skald::contract {
namespace {

NewEvent tagged(std::string type, std::vector<std::string> tags) {
    NewEvent made = event(std::move(type));
    made.tags = std::move(tags);
    return made;
}

Append with_check(const std::string& stream, Expected expected) {
    Append append = append_of(own("written"), {"x"});
    append.checks = {{stream, expected}};
    return append;
}

void checks_hold(Fixture& f) {
    f.append(own("c"), {"a", "b"});
    f.append(with_check(own("c"), Expected::exact(1)));
    f.append(with_check(own("c"), Expected::stream_exists()));
    f.append(with_check(own("c"), Expected::any()));
    f.append(with_check(own("none"), Expected::no_stream()));
    CHECK(f.read_all(Selection::stream(own("c"))).size() == 2);
    CHECK(f.info(own("none")).state == StreamState::none);
}

void failed_check_is_named(Fixture& f) {
    f.append(own("c"), {"a", "b"});
    const Error error = f.refused(with_check(own("c"), Expected::exact(0)));
    CHECK(error.code == Errc::check_failed);
    CHECK(error.conflicts == std::vector<Conflict>{{own("c"), "0", 1}});
    CHECK(f.info(own("written")).state == StreamState::none);
    CHECK(f.refused(with_check(own("none"), Expected::stream_exists())).conflicts ==
          std::vector<Conflict>{{own("none"), "exists", -1}});
}

void all_failures_come_together(Fixture& f) {
    f.append(own("a"), {"x", "x"});
    f.append(own("c"), {"x"});
    Append append;
    append.streams = {{own("a"), Expected::exact(0), events({"y"})},
                      {own("b"), Expected::any(), events({"y"})}};
    append.checks = {{own("c"), Expected::no_stream()}, {own("d"), Expected::stream_exists()}};
    const Error error = f.refused(append);
    CHECK(error.code == Errc::check_failed);
    CHECK(error.conflicts == std::vector<Conflict>{{own("a"), "0", 1},
                                                   {own("c"), "none", 0},
                                                   {own("d"), "exists", -1}});
    CHECK(f.info(own("b")).state == StreamState::none);
}

Append on_query(Query query, Offset from) {
    Append append = Append::one("account-1", tagged("registered", {"name:ada"}));
    append.query = QueryCheck{std::move(query), from};
    return append;
}

void query_condition(Fixture& f) {
    if (f.factory().partitions() > 1) {
        return;
    }
    const Query taken{{{{"registered"}, {"name:ada"}}}};
    f.append(Append::one("account-0", tagged("registered", {"name:bob"})));
    f.append(on_query(taken, Offset{0}));
    const Error error = f.refused(on_query(taken, Offset{0}));
    CHECK(error.code == Errc::check_failed);
    REQUIRE(error.conflicts.size() == 1);
    CHECK(error.conflicts[0].actual == 1);
    // Read first, then append on condition that nothing came since.
    const Page page = f.read(read_of(Selection::matching(taken)));
    REQUIRE(page.events.size() == 1);
    REQUIRE(page.next.partitions.size() == 1);
    f.append(on_query(taken, page.next.partitions[0].next));
    CHECK_FALSE(f.store().append(on_query(taken, page.next.partitions[0].next)));
}

void query_matches_items(Fixture& f) {
    if (f.factory().partitions() > 1) {
        return;
    }
    f.append(Append::one("s", tagged("a", {"x", "y"})));
    const auto fails = [&](Query query) {
        return !f.store().append(on_query(std::move(query), Offset{0}));
    };
    CHECK(fails({{{{}, {"x"}}}}));
    CHECK(fails({{{{"a"}, {}}}}));
    CHECK(fails({{{{"b", "a"}, {"y", "x"}}}}));
    CHECK(fails({{{{"b"}, {}}, {{}, {"y"}}}}));
    CHECK(fails({{{{}, {}}}}));
    CHECK_FALSE(fails({{{{"b"}, {"x"}}}}));
    CHECK_FALSE(fails({{{{"a"}, {"x", "z"}}}}));
}

void query_spans_partitions(Fixture& f) {
    if (f.factory().partitions() == 1) {
        return;
    }
    const Query query{{{{"a"}, {}}}};
    CHECK(f.refused(on_query(query, Offset{0})).code == Errc::cross_partition);
}

Append fenced(std::uint64_t token) {
    Append append = append_of(own("s"), {"x"});
    append.fence = Fence{"lock", token};
    return append;
}

void fence_refuses_older_tokens(Fixture& f) {
    f.append(fenced(5));
    f.append(fenced(5));
    CHECK(f.refused(fenced(4)).code == Errc::fenced);
    f.append(fenced(7));
    CHECK(f.refused(fenced(6)).code == Errc::fenced);
    Append other = fenced(1);
    other.fence->name = "another";
    f.append(other);
    f.append(append_of(own("s"), {"unfenced"}));
}

void refused_append_raises_no_fence(Fixture& f) {
    f.append(fenced(5));
    Append failing = fenced(9);
    failing.streams[0].expected = Expected::no_stream();
    CHECK(f.refused(failing).code == Errc::wrong_expected_version);
    f.append(fenced(6));
}

void fence_survives(Fixture& f) {
    f.append(fenced(5));
    if (f.reopen()) {
        CHECK(f.refused(fenced(4)).code == Errc::fenced);
        f.append(fenced(5));
    }
}

constexpr Test kTests[] = {
    {"conditions: checks hold", checks_hold},
    {"conditions: a failed check is named", failed_check_is_named},
    {"conditions: all failures come together", all_failures_come_together},
    {"conditions: nothing new matches a query", query_condition},
    {"conditions: a query matches by its items", query_matches_items},
    {"conditions: a query check needs one partition", query_spans_partitions},
    {"conditions: a fence refuses older tokens", fence_refuses_older_tokens},
    {"conditions: a refused append raises no fence", refused_append_raises_no_fence},
    {"conditions: a fence outlives the store", fence_survives},
};

}  // namespace

std::span<const Test> condition_tests() {
    return kTests;
}

}  // namespace skald::contract
