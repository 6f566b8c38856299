// Reads: selections, starts, directions, pages.
#include <algorithm>

#include "tests/contract/fixture.h"

namespace skald::contract {
namespace {

Types reversed(Types types) {
    std::reverse(types.begin(), types.end());
    return types;
}

void stream_from_every_start(Fixture& f) {
    const Types all{"t0", "t1", "t2", "t3", "t4"};
    f.append("s", all);
    const Selection stream = Selection::stream("s");
    for (std::uint64_t v = 0; v <= all.size(); ++v) {
        CAPTURE(v);
        const auto from = all.begin() + static_cast<std::ptrdiff_t>(v);
        CHECK(f.types(stream, Version{v}) == Types(from, all.end()));
        // Backward a version is the first event given; beyond the end, the last one is.
        const auto behind = v < all.size() ? from + 1 : all.end();
        CHECK(f.types(stream, Version{v}, true) == reversed(Types(all.begin(), behind)));
    }
    CHECK(f.types(stream, Beginning{}) == all);
    CHECK(f.types(stream, End{}).empty());
    CHECK(f.types(stream, End{}, true) == reversed(all));
    CHECK(f.types(stream, Beginning{}, true).empty());
    CHECK(f.types(stream, Version{1000}, true) == reversed(all));
}

void pages_join(Fixture& f) {
    Types all;
    for (int i = 0; i < 23; ++i) {
        all.push_back("t" + std::to_string(i));
        f.append("s", {all.back()});
        f.append("other", {"x"});
    }
    for (const std::uint32_t limit : {1U, 2U, 7U, 23U, 4096U}) {
        CAPTURE(limit);
        CHECK(f.types(Selection::stream("s"), Beginning{}, false, limit) == all);
        CHECK(f.types(Selection::stream("s"), End{}, true, limit) == reversed(all));
        CHECK(f.types(Selection::all(), Beginning{}, false, limit).size() == 46);
        CHECK(f.types(Selection::category("s"), Beginning{}, false, limit) == all);
        CHECK(f.types(Selection::type("t5"), Beginning{}, false, limit) == Types{"t5"});
    }
}

void page_knows_its_end(Fixture& f) {
    f.append("s", {"a", "b", "c"});
    Read read = read_of(Selection::stream("s"));
    read.limit = 2;
    const Page first = f.read(read);
    CHECK(first.events.size() == 2);
    CHECK_FALSE(first.end);
    read.start = first.next;
    const Page second = f.read(read);
    CHECK(second.events.size() == 1);
    CHECK(second.end);
    read.start = second.next;
    CHECK(f.read(read).events.empty());
    f.append("s", {"d"});
    const Page third = f.read(read);
    REQUIRE(third.events.size() == 1);
    CHECK(third.events[0].type == "d");
}

void page_outlives_the_read(Fixture& f) {
    f.append(Append::one("s", event("a", "data")));
    const Page page = f.read(read_of(Selection::stream("s")));
    f.append("s", {"b"});
    f.read(read_of(Selection::all()));
    REQUIRE(page.events.size() == 1);
    CHECK(page.events[0].data == "data");
    CHECK(page.events[0].stream == "s");
}

void bytes_bound_a_page(Fixture& f) {
    for (int i = 0; i < 4; ++i) {
        f.append(Append::one("s", event("a", std::string(10'000, 'x'))));
    }
    Read read = read_of(Selection::stream("s"));
    read.bytes = 25'000;
    const Page page = f.read(read);
    CHECK(page.events.size() == 2);
    CHECK_FALSE(page.end);
    read.bytes = 1;
    CHECK(f.read(read).events.size() == 1);
}

void everything_in_order(Fixture& f) {
    Types all;
    for (int i = 0; i < 40; ++i) {
        all.push_back("t" + std::to_string(i));
        f.append("s" + std::to_string(i % 7), {all.back()});
    }
    CHECK(f.types(Selection::all()) == all);
    CHECK(f.types(Selection::all(), End{}, true) == reversed(all));
    CHECK(f.types(Selection::all(), End{}, true, 3) == reversed(all));
    CHECK(f.types(Selection::all(), End{}).empty());
}

void categories(Fixture& f) {
    f.append("order-1", {"a"});
    f.append("orders-1", {"b"});
    f.append("order-2-x", {"c"});
    f.append("order", {"d"});
    f.append("{x-y}order-1", {"e"});
    CHECK(f.types(Selection::category("order")) == Types{"a", "c", "d"});
    CHECK(f.types(Selection::category("{x-y}order")) == Types{"e"});
    CHECK(f.types(Selection::category("none")).empty());
}

void types_and_correlations(Fixture& f) {
    NewEvent correlated = event("b");
    correlated.correlation_id = "c-1";
    f.append("s1", {"a", "b"});
    f.append(Append::one("s2", correlated));
    f.append("s3", {"ab"});
    CHECK(f.read_all(Selection::type("b")).size() == 2);
    CHECK(f.read_all(Selection::type("a")).size() == 1);
    CHECK(f.read_all(Selection::type("c")).empty());
    const auto found = f.read_all(Selection::correlation("c-1"));
    REQUIRE(found.size() == 1);
    CHECK(found[0].stream == "s2");
    CHECK(f.read_all(Selection::correlation("c")).empty());
}

void queries(Fixture& f) {
    const auto add = [&](const char* type, std::vector<std::string> tags) {
        NewEvent made = event(type);
        made.tags = std::move(tags);
        f.append(Append::one(std::string("s-") + type, made));
    };
    add("a", {"x"});
    add("b", {"x", "y"});
    add("c", {"y"});
    add("d", {});
    const auto found = [&](Query query) { return f.types(Selection::matching(std::move(query))); };
    CHECK(found({{{{}, {"x"}}}}) == Types{"a", "b"});
    CHECK(found({{{{}, {"x", "y"}}}}) == Types{"b"});
    CHECK(found({{{{"a", "d"}, {}}}}) == Types{"a", "d"});
    CHECK(found({{{{"a"}, {"x"}}, {{"c"}, {"y"}}}}) == Types{"a", "c"});
    CHECK(found({{{{"a"}, {"y"}}}}).empty());
    CHECK(found({{{{}, {}}}}) == Types{"a", "b", "c", "d"});
}

void globs(Fixture& f) {
    f.append("order-1", {"placed", "paid"});
    f.append("order-2", {"placed"});
    f.append("user-1", {"placed_again", "born"});
    Selection selection = Selection::all();
    selection.types = {"placed*"};
    CHECK(f.types(selection) == Types{"placed", "placed", "placed_again"});
    selection.streams = {"order-[12]"};
    CHECK(f.types(selection) == Types{"placed", "placed"});
    selection.types = {"pai?", "born"};
    selection.streams = {"*"};
    CHECK(f.types(selection) == Types{"paid", "born"});
    selection = Selection::category("order");
    selection.types = {"paid"};
    CHECK(f.types(selection) == Types{"paid"});
    selection = Selection::stream("order-1");
    selection.types = {"paid"};
    CHECK(f.types(selection) == Types{"paid"});
    CHECK(f.types(selection, End{}, true) == Types{"paid"});
}

void starts_at_a_position(Fixture& f) {
    const Position empty = f.position();
    f.append("s", {"a"});
    const Position between = f.position();
    f.append("s", {"b"});
    CHECK(f.types(Selection::all(), empty) == Types{"a", "b"});
    CHECK(f.types(Selection::all(), between) == Types{"b"});
    CHECK(f.types(Selection::all(), f.position()).empty());
    CHECK(f.types(Selection::stream("s"), between) == Types{"b"});
    CHECK(f.types(Selection::all(), Position{}) == Types{"a", "b"});
    CHECK(f.types(Selection::all(), between, true) == Types{"a"});
}

void position_survives_as_a_token(Fixture& f) {
    f.append("s", {"a"});
    const std::string token = to_token(f.position());
    f.append("s", {"b"});
    const auto position = parse_position(token);
    REQUIRE(position);
    CHECK(f.types(Selection::all(), *position) == Types{"b"});
    if (f.reopen()) {
        CHECK(f.types(Selection::all(), *position) == Types{"b"});
    }
}

void position_of_another_log(Fixture& f) {
    f.append("s", {"a"});
    Position foreign = f.position();
    foreign.cluster.bytes[3] ^= 1;
    CHECK(f.read_error(read_of(Selection::all(), foreign)) == Errc::wrong_lineage);
    foreign = f.append("s", {"b"}).position;
    foreign.partitions[0].lineage.bytes[3] ^= 1;
    CHECK(f.read_error(read_of(Selection::all(), foreign)) == Errc::wrong_lineage);
}

void starts_at_an_offset(Fixture& f) {
    const Receipt first = f.append(own("s"), {"a", "b"});
    f.append(own("s"), {"c"});
    CHECK(f.types(Selection::stream(own("s")), first.offset) == Types{"b", "c"});
    CHECK(f.types(Selection::stream(own("s")), first.offset, true) == Types{"b", "a"});
    CHECK(f.types(Selection::stream(own("s")), first.offset + 1) == Types{"c"});
    if (f.factory().partitions() == 1) {
        CHECK(f.types(Selection::all(), first.offset) == Types{"b", "c"});
    } else {
        CHECK(f.read_error(read_of(Selection::all(), first.offset)) == Errc::invalid_argument);
    }
}

void starts_at_a_time(Fixture& f) {
    for (const char* type : {"a", "b", "c"}) {
        f.append("s", {type});
    }
    const auto all = f.read_all(Selection::stream("s"));
    REQUIRE(all.size() == 3);
    CHECK(all[0].recorded_at < all[1].recorded_at);
    CHECK(all[1].recorded_at < all[2].recorded_at);
    CHECK(f.types(Selection::all(), AtTime{all[1].recorded_at}) == Types{"b", "c"});
    CHECK(f.types(Selection::stream("s"), AtTime{all[1].recorded_at}) == Types{"b", "c"});
    CHECK(f.types(Selection::all(), AtTime{Time{0}}) == Types{"a", "b", "c"});
    CHECK(f.types(Selection::all(), AtTime{Time{all[2].recorded_at.us + 1}}).empty());
}

void missing_streams_are_errors(Fixture& f) {
    CHECK(f.read_error(read_of(Selection::stream("none"))) == Errc::stream_not_found);
    f.append("gone", {"a"});
    f.change("gone", DeleteStream{});
    CHECK(f.read_error(read_of(Selection::stream("gone"))) == Errc::stream_deleted);
    f.append("dead", {"a"});
    f.change("dead", DeleteStream{true});
    CHECK(f.read_error(read_of(Selection::stream("dead"))) == Errc::stream_tombstoned);
    CHECK(f.read(read_of(Selection::category("none"))).end);
}

void control_records_on_demand(Fixture& f) {
    f.append("s", {"a"});
    f.change("s", SetLimits{{5, std::nullopt}});
    f.append("s", {"b"});
    CHECK(f.types(Selection::all()) == Types{"a", "b"});
    Selection selection = Selection::all();
    selection.system = true;
    const auto all = f.read_all(selection);
    REQUIRE(all.size() == 3);
    CHECK(all[1].control);
    CHECK(all[1].stream == "s");
    CHECK(all[1].type.starts_with("$"));
    CHECK(f.types(Selection::stream("s")) == Types{"a", "b"});
}

constexpr Test kTests[] = {
    {"read: a stream from every start, both ways", stream_from_every_start},
    {"read: pages join without gap or repeat", pages_join},
    {"read: a page knows its end", page_knows_its_end},
    {"read: a page outlives the read", page_outlives_the_read},
    {"read: bytes bound a page", bytes_bound_a_page},
    {"read: everything in the order of commits", everything_in_order},
    {"read: categories", categories},
    {"read: types and correlations", types_and_correlations},
    {"read: queries", queries},
    {"read: globs", globs},
    {"read: starts at a position", starts_at_a_position},
    {"read: a position survives as a token", position_survives_as_a_token},
    {"read: a position of another log is refused", position_of_another_log},
    {"read: starts at an offset", starts_at_an_offset},
    {"read: starts at a time", starts_at_a_time},
    {"read: missing streams are errors", missing_streams_are_errors},
    {"read: control records on demand", control_records_on_demand},
};

}  // namespace

std::span<const Test> read_tests() {
    return kTests;
}

}  // namespace skald::contract
