// Decisions by query (rule A5), and names that must not exist (fail_if_exists).
#include "skald/cqrs/decisions.h"

#include "tests/cqrs/account.h"
#include "tests/cqrs/course.h"
#include "tests/cqrs/repository_fixture.h"
#include "tests/cqrs/stores.h"

namespace skald::cqrs {
namespace {

using Call = FaultyEventStore::Call;
using std::chrono::microseconds;

DecisionsOptions quiet_decisions(World& world) {
    DecisionsOptions options;
    options.clock = &world.clock();
    options.wait = [](microseconds) {};
    return options;
}

template <typename Command>
Outcome<Seats> must(Decisions<Seats>& decisions, const Boundary<Seats>& boundary,
                    const Command& command, const ExecuteOptions& options = {}) {
    auto done = decisions.execute(boundary, command, options);
    INFO((done ? "" : done.error().message));
    REQUIRE(done);
    return std::move(*done);
}

// Something happens in the middle of the next appends.
class Interrupted final : public ForwardingStore {
  public:
    using ForwardingStore::ForwardingStore;
    std::vector<std::function<void()>> before;

    Result<Receipt> append(const Append& request) override {
        if (!before.empty()) {
            const auto now = std::move(before.front());
            before.erase(before.begin());
            now();
        }
        return ForwardingStore::append(request);
    }
};

Query named(const std::string& name) {
    return {{tagged<Opened>({tag_of("name", name)})}};
}

}  // namespace

TEST_CASE("decisions: fold what matches, across streams", "[cqrs][contract]") {
    World world(GENERATE(every_single_store()));
    Decisions<Seats> decisions(world.store(), quiet_decisions(world));
    CHECK(must(decisions, seats_of("a", "ann"), Enrol{}).rejection->index() == 0);
    for (const char* course : {"a", "b", "c"}) {
        must(decisions, seats_of(course, ""), Offer{2});
    }
    const auto first = must(decisions, seats_of("a", "ann"), Enrol{});
    REQUIRE(first.receipt);
    CHECK(first.receipt->stream == "course-a");
    CHECK(first.state.taken == 1);
    CHECK(first.attempts == 1);
    must(decisions, seats_of("b", "ann"), Enrol{});
    // Out of the streams of two other courses.
    const auto third = must(decisions, seats_of("c", "ann"), Enrol{});
    REQUIRE(third.rejection);
    CHECK(std::get<TooMany>(*third.rejection).taken == 2);
    must(decisions, seats_of("a", "bob"), Enrol{});
    CHECK(std::holds_alternative<Full>(*must(decisions, seats_of("a", "eve"), Enrol{}).rejection));
    CHECK(decisions.load(seats_of("a", "ann"))->taken == 2);
    CHECK(decisions.load(seats_of("a", "ann"))->courses == 2);
    CHECK(world.events("course-a").size() == 3);
    CHECK(world.events("course-a")[1].tags == std::vector<std::string>{"course:a", "student:ann"});
    // Accepted, and nothing to store.
    const auto counted = must(decisions, seats_of("a", "eve"), Count{});
    CHECK(counted.accepted());
    CHECK_FALSE(counted.receipt);
}

TEST_CASE("decisions: former names of events are read, other types refused", "[cqrs][contract]") {
    World world(GENERATE(every_single_store()));
    NewEvent old;
    old.type = "SignedUp";
    old.data = R"({"course":"a","student":"ann"})";
    old.tags = {"course:a"};
    REQUIRE(world.store().append(Append::one("old", old)));
    Decisions<Seats> decisions(world.store(), quiet_decisions(world));
    CHECK(decisions.load(seats_of("a", "ann"))->taken == 1);

    old.type = "Painted";
    REQUIRE(world.store().append(Append::one("old", old)));
    Boundary<Seats> all = seats_of("a", "ann");
    all.query = {{tagged<>({"course:a"})}};
    const auto unknown = decisions.load(all);
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().code == Errc::malformed);
    DecisionsOptions skipping = quiet_decisions(world);
    skipping.unknown_events = UnknownEvents::skip;
    CHECK(Decisions<Seats>(world.store(), skipping).load(all)->taken == 1);
}

TEST_CASE("decisions: a conflict reads what is new and decides again", "[cqrs][contract]") {
    World world(GENERATE(every_single_store()));
    Decisions<Seats> other(world.store(), quiet_decisions(world));
    must(other, seats_of("a", ""), Offer{4});
    must(other, seats_of("b", ""), Offer{4});
    Interrupted store(world.store());
    std::vector<microseconds> waits;
    DecisionsOptions options = quiet_decisions(world);
    options.wait = [&](microseconds length) { waits.push_back(length); };
    Decisions<Seats> decisions(store, options);
    // One in the same course, one of the same student elsewhere: in nobody's stream but the query.
    store.before = {[&] { must(other, seats_of("a", "bob"), Enrol{}); },
                    [&] { must(other, seats_of("b", "ann"), Enrol{}); }};
    const auto done = must(decisions, seats_of("a", "ann"), Enrol{});
    CHECK(done.attempts == 3);
    CHECK(done.state.taken == 2);
    CHECK(done.state.courses == 2);
    CHECK(decisions.stats().conflicts == 2);
    CHECK(waits.size() == 2);
    // The offer, and one new event a conflict: never again what was read.
    CHECK(decisions.stats().events_folded == 3);
    // It can turn into a rejection.
    store.before = {[&] { must(other, seats_of("a", "eve"), Enrol{}); },
                    [&] { must(other, seats_of("a", "dan"), Enrol{}); }};
    const auto late = must(decisions, seats_of("a", "joe"), Enrol{});
    CHECK(std::holds_alternative<Full>(*late.rejection));
    CHECK(late.attempts == 3);
}

TEST_CASE("decisions: what does not match is no conflict", "[cqrs][contract]") {
    World world(GENERATE(every_single_store()));
    Decisions<Seats> other(world.store(), quiet_decisions(world));
    must(other, seats_of("a", ""), Offer{4});
    must(other, seats_of("b", ""), Offer{4});
    Interrupted store(world.store());
    Decisions<Seats> decisions(store, quiet_decisions(world));
    store.before = {[&] {
        must(other, seats_of("b", "bob"), Enrol{});
        // Even in the stream that is appended to.
        world.append("course-a", "Painted", "{}");
    }};
    CHECK(must(decisions, seats_of("a", "ann"), Enrol{}).attempts == 1);
    CHECK(decisions.stats().conflicts == 0);
}

TEST_CASE("decisions: attempts are bounded", "[cqrs][contract]") {
    World world(GENERATE(every_single_store()));
    Decisions<Seats> other(world.store(), quiet_decisions(world));
    must(other, seats_of("a", ""), Offer{9});
    Interrupted store(world.store());
    DecisionsOptions options = quiet_decisions(world);
    options.conflict.attempts = 2;
    Decisions<Seats> decisions(store, options);
    for (const char* student : {"1", "2", "3"}) {
        store.before.emplace_back([&, student] { must(other, seats_of("a", student), Enrol{}); });
    }
    const auto done = decisions.execute(seats_of("a", "ann"), Enrol{});
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Errc::check_failed);
    CHECK(store.before.size() == 1);
}

TEST_CASE("decisions: an expectation of the stream is not decided again", "[cqrs][contract]") {
    World world(GENERATE(every_single_store()));
    Decisions<Seats> decisions(world.store(), quiet_decisions(world));
    must(decisions, seats_of("a", ""), Offer{9}, {.expected = Expected::no_stream()});
    const auto done =
        decisions.execute(seats_of("a", ""), Offer{9}, {.expected = Expected::no_stream()});
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Errc::wrong_expected_version);
}

TEST_CASE("decisions: a repeated command gives the first receipt", "[cqrs][contract]") {
    World world(GENERATE(every_single_store()));
    Decisions<Seats> decisions(world.store(), quiet_decisions(world));
    must(decisions, seats_of("a", ""), Offer{2});
    const auto first = must(decisions, seats_of("a", "ann"), Enrol{}, {.command_id = "c"});
    must(decisions, seats_of("a", "bob"), Enrol{}, {.command_id = "d"});
    // It would be rejected by now.
    const auto again = must(decisions, seats_of("a", "ann"), Enrol{}, {.command_id = "c"});
    REQUIRE(again.receipt);
    CHECK(again.receipt->repeated);
    CHECK(again.receipt->version == first.receipt->version);
    CHECK(again.receipt->id == first.receipt->id);
    CHECK(again.receipt->offset == first.receipt->offset);
    CHECK(again.attempts == 0);
    CHECK(again.events.empty());
    CHECK(decisions.stats().repeats == 1);
    CHECK(world.events("course-a").size() == 3);
    // Its events need not match what it is decided on.
    Boundary<Seats> elsewhere = seats_of("a", "");
    elsewhere.query = {{tagged<Enrolled>({"course:none"})}};
    CHECK_FALSE(must(decisions, elsewhere, Offer{1}, {.command_id = "e"}).receipt->repeated);
    // Long after the store forgot its ids.
    world.clock().advance(std::chrono::hours(1));
    const auto old = must(decisions, elsewhere, Offer{1}, {.command_id = "e"});
    CHECK(old.receipt->repeated);
    CHECK(old.state.seats == 0);  // it is of the query alone
    // Ids belong to the stream.
    must(decisions, seats_of("b", ""), Offer{2});
    CHECK_FALSE(
        must(decisions, seats_of("b", "eve"), Enrol{}, {.command_id = "c"}).receipt->repeated);
}

TEST_CASE("decisions: one command carried out by two at once", "[cqrs][contract]") {
    World world(GENERATE(every_single_store()));
    Decisions<Seats> other(world.store(), quiet_decisions(world));
    must(other, seats_of("a", ""), Offer{2});
    Interrupted store(world.store());
    Decisions<Seats> decisions(store, quiet_decisions(world));
    std::optional<Receipt> first;
    const auto twin = [&] {
        first = must(other, seats_of("a", "ann"), Enrol{}, {.command_id = "c"}).receipt;
    };
    store.before = {twin};
    const auto same = must(decisions, seats_of("a", "ann"), Enrol{}, {.command_id = "c"});
    CHECK(same.receipt->repeated);
    CHECK(same.receipt->offset == first->offset);
    CHECK(same.state.taken == 1);
    CHECK(same.events.empty());

    // Decided otherwise meanwhile, on the last attempt.
    DecisionsOptions once = quiet_decisions(world);
    once.conflict.attempts = 1;
    Decisions<Seats> impatient(store, once);
    store.before = {
        [&] { first = must(other, seats_of("a", ""), Offer{7}, {.command_id = "d"}).receipt; }};
    const auto differs = must(impatient, seats_of("a", "bob"), Enrol{}, {.command_id = "d"});
    CHECK(differs.receipt->repeated);
    CHECK(differs.receipt->offset == first->offset);
}

TEST_CASE("decisions: an unknown outcome is asked for again", "[cqrs][contract]") {
    World world(GENERATE(every_single_store()));
    Decisions<Seats> decisions(world.store(), quiet_decisions(world));
    must(decisions, seats_of("a", ""), Offer{9});
    const Error lost(Errc::outcome_unknown, "the connection was lost");
    world.store().fail_after(Call::append, 1, lost);
    CHECK(must(decisions, seats_of("a", "ann"), Enrol{}).receipt->repeated);
    world.store().fail_before(Call::append, 1, lost);
    CHECK_FALSE(must(decisions, seats_of("a", "bob"), Enrol{}).receipt->repeated);
    for (std::uint64_t n = 1; n <= 4; ++n) {
        world.store().fail_after(Call::append, n, lost);
    }
    const auto unknown = decisions.execute(seats_of("a", "eve"), Enrol{}, {.command_id = "c"});
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().code == Errc::outcome_unknown);
    CHECK(must(decisions, seats_of("a", "eve"), Enrol{}, {.command_id = "c"}).receipt->repeated);
    CHECK(decisions.load(seats_of("a", ""))->taken == 3);
}

TEST_CASE("decisions: limits and errors", "[cqrs][contract]") {
    World world(GENERATE(every_single_store()));
    Decisions<Seats> decisions(world.store(), quiet_decisions(world));
    Boundary<Seats> boundary = seats_of("a", "ann");
    boundary.query.items.clear();
    CHECK(decisions.execute(boundary, Offer{1}, {.command_id = "c"}).error().code ==
          Errc::invalid_argument);
    boundary.query.items.resize(14, tagged<Enrolled>({"x"}));
    must(decisions, boundary, Offer{1}, {.command_id = "c"});
    boundary.query.items.resize(15, tagged<Enrolled>({"x"}));
    CHECK(decisions.execute(boundary, Offer{1}).error().code == Errc::request_too_large);
    world.store().fail_before(Call::read, 1, {Errc::unreachable, "told to"});
    CHECK(decisions.load(seats_of("a", "")).error().code == Errc::unreachable);
    boundary = seats_of("a", "ann");
    boundary.stream.clear();
    CHECK(decisions.execute(boundary, Offer{1}).error().code == Errc::invalid_stream_name);
}

TEST_CASE("decisions: many partitions are refused", "[cqrs]") {
    World world("memory, 16 partitions");
    Decisions<Seats> decisions(world.store(), quiet_decisions(world));
    CHECK(decisions.execute(seats_of("a", "ann"), Offer{1}).error().code == Errc::cross_partition);
}

TEST_CASE("fail_if_exists: a name is taken once", "[cqrs][contract]") {
    World world(GENERATE(every_single_store()));
    Repository<Account> accounts(world.store(), quiet(world));
    const auto claim = [&](const std::string& name, const std::string& command = "") {
        return ExecuteOptions{
            .command_id = command, .fail_if_exists = named(name), .tags = {tag_of("name", name)}};
    };
    const auto first = must(accounts, "1", Open{"ann"}, claim("ann", "c"));
    REQUIRE(first.receipt);
    const auto taken = must(accounts, "2", Open{"ann"}, claim("ann"));
    CHECK_FALSE(taken.accepted());
    CHECK_FALSE(taken.rejection);
    CHECK_FALSE(taken.receipt);
    CHECK(taken.exists == first.receipt->offset);
    CHECK_FALSE(accounts.load("2")->exists());
    CHECK(must(accounts, "2", Open{"bob"}, claim("bob")).accepted());
    // The command that took it may be repeated; its own event is not in its way.
    CHECK(must(accounts, "1", Open{"ann"}, claim("ann", "c")).receipt->repeated);
    CHECK(must(accounts, "1", Open{"ann"}, claim("ann")).rejection);
    // With both in the way, reading again does not help.
    Interrupted store(world.store());
    Repository<Account> slow(store, quiet(world));
    store.before = {[&] { must(accounts, "3", Open{"eve"}, claim("eve", "e")); }};
    CHECK(must(slow, "3", Open{"eve"}, claim("eve")).exists);
    store.before = {[&] { must(accounts, "4", Open{"joe"}, claim("joe", "j")); }};
    CHECK(must(slow, "4", Open{"joe"}, claim("joe", "j")).receipt->repeated);
    world.store().fail_after(Call::append, 1, {Errc::outcome_unknown, "lost"});
    CHECK(must(accounts, "5", Open{"kim"}, claim("kim")).receipt->repeated);
}

TEST_CASE("fail_if_exists: with a decision by query", "[cqrs][contract]") {
    World world(GENERATE(every_single_store()));
    Decisions<Seats> decisions(world.store(), quiet_decisions(world));
    const ExecuteOptions claim{.fail_if_exists = Query{{tagged<>({"title:go"})}},
                               .tags = {"title:go"}};
    const auto first = must(decisions, seats_of("a", ""), Offer{1}, claim);
    const auto taken = must(decisions, seats_of("b", ""), Offer{1}, claim);
    CHECK(taken.exists == first.receipt->offset);
    CHECK_FALSE(taken.accepted());
    // Meanwhile.
    const ExecuteOptions late{.fail_if_exists = Query{{tagged<>({"title:c"})}},
                              .tags = {"title:c"}};
    Interrupted store(world.store());
    Decisions<Seats> slow(store, quiet_decisions(world));
    store.before = {[&] { must(decisions, seats_of("c", ""), Offer{1}, late); }};
    CHECK(must(slow, seats_of("d", ""), Offer{1}, late).exists);
    CHECK(world.events("course-d").empty());
}

TEST_CASE("tags: a description says them", "[cqrs]") {
    const auto made = to_new_event(Enrolled{"a", "ann"});
    REQUIRE(made);
    CHECK(made->tags == std::vector<std::string>{"course:a", "student:ann"});
    CHECK(tag_of("seats", 12U) == "seats:12");
    CHECK(tag_of("level", -3) == "level:-3");
}

}  // namespace skald::cqrs
