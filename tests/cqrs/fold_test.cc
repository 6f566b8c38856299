#include "skald/cqrs/fold.h"

#include "skald/cqrs/decisions.h"
#include "tests/cqrs/balances.h"
#include "tests/cqrs/course.h"

namespace skald::cqrs {
namespace {

std::vector<Balance> all(const FoldedRows& rows) {
    auto page = rows.view<Balance>().all().page();
    REQUIRE(page);
    return page->rows;
}

// Two accounts of ann and one of bob, ten seconds between changes.
void fill(Ledgers& ledgers) {
    ledgers.open("a-1", "ann");
    ledgers.open("a-2", "bob");
    ledgers.world.clock().advance(10s);
    ledgers.deposit("a-1", 500, "rent");
    ledgers.world.append("a-1", "Audited", "{}");  // not handled: passed by
    ledgers.world.clock().advance(10s);
    ledgers.deposit("a-2", 80);
    ledgers.open("b-1", "ann");
    ledgers.withdraw("a-1", 20);
}

}  // namespace

TEST_CASE("fold: the rows are those of a projector, and answer its queries", "[cqrs][contract]") {
    Ledgers ledgers(GENERATE(every_store()));
    fill(ledgers);
    auto projector = ledgers.start();
    REQUIRE(ledgers.up_to_date(*projector));
    const auto folded = fold(ledgers.world.store(), balances().build());
    REQUIRE(folded);
    CHECK((*folded)->events() == 6);
    CHECK(compare((*folded)->position(), ledgers.end()) == Order::equal);
    const auto view = (*folded)->view<Balance>();
    const View<Balance> stored(*ledgers.model);
    CHECK(all(**folded) == stored.all().page()->rows);
    CHECK(all(**folded).size() == 3);
    const auto ann = view.where(&Balance::owner, "ann").order_by(&Balance::cents).page();
    REQUIRE(ann);
    CHECK(ann->rows ==
          std::vector<Balance>{{"b-1", "ann", 0, 0, {}}, {"a-1", "ann", 480, 2, "rent"}});
    CHECK(ann->version == 1);
    CHECK(*ann->position == (*folded)->position());
    CHECK(view.get("a-2").value() == Balance{"a-2", "bob", 80, 1, {}});
    CHECK_FALSE(view.get("a-9").value());
    auto first = view.all().order_by(&Balance::cents).descending().limit(2).page();
    REQUIRE(first);
    CHECK(first->rows.size() == 2);
    auto rest =
        view.all().order_by(&Balance::cents).descending().limit(2).after(first->next).page();
    REQUIRE(rest);
    CHECK(rest->rows == std::vector<Balance>{{"b-1", "ann", 0, 0, {}}});
    CHECK(rest->next.empty());
}

TEST_CASE("fold: of a stream, a category or a query", "[cqrs][contract]") {
    Ledgers ledgers(GENERATE(every_store()));
    fill(ledgers);
    const auto folded = [&](const Selection& selection) {
        FoldRequest request;
        request.selection = selection;
        auto rows = fold(ledgers.world.store(), balances().build(), request);
        REQUIRE(rows);
        return all(**rows);
    };
    CHECK(folded(Selection::stream("a-1")) == std::vector<Balance>{{"a-1", "ann", 480, 2, "rent"}});
    CHECK(folded(Selection::category("b")) == std::vector<Balance>{{"b-1", "ann", 0, 0, {}}});
    CHECK(folded(Selection::matching(Query{{tagged<Opened>({})}})) ==
          std::vector<Balance>{
              {"a-1", "ann", 0, 0, {}}, {"a-2", "bob", 0, 0, {}}, {"b-1", "ann", 0, 0, {}}});
    FoldRequest nowhere;
    nowhere.selection = Selection::stream("a-9");
    CHECK(fold(ledgers.world.store(), balances().build(), nowhere).error().code ==
          Errc::stream_not_found);
}

TEST_CASE("fold: at a version, a time or a position", "[cqrs][contract]") {
    Ledgers ledgers(GENERATE(every_store()));
    fill(ledgers);
    EventStore& store = ledgers.world.store();
    const auto projection = balances().build();
    FoldRequest request;
    SECTION("a version, with it") {
        request.selection = Selection::stream("a-1");
        request.until = Version(1);
        CHECK(all(**fold(store, projection, request)) ==
              std::vector<Balance>{{"a-1", "ann", 500, 1, "rent"}});
        request.until = Version(4);
        CHECK(fold(store, projection, request).error().code == Errc::not_found);
        request.selection = {};
        CHECK(fold(store, projection, request).error().code == Errc::invalid_argument);
    }
    SECTION("a time, with what was recorded then") {
        const auto events = ledgers.world.events("a-1");
        request.until = AtTime{events[1].recorded_at};
        const auto then = fold(store, projection, request);
        REQUIRE(then);
        CHECK(all(**then) ==
              std::vector<Balance>{{"a-1", "ann", 500, 1, "rent"}, {"a-2", "bob", 0, 0, {}}});
        CHECK(compare((*then)->position(), ledgers.end()) == Order::before);
        request.until = AtTime{Time{events[0].recorded_at.us - 1}};
        CHECK(all(**fold(store, projection, request)).empty());
        // The position that a time came to, folded to again.
        request.until = (*then)->position();
        CHECK(all(**fold(store, projection, request)) == all(**then));
    }
    SECTION("a position, without what is behind it") {
        const Position position = ledgers.end();
        ledgers.deposit("b-1", 7);
        request.until = position;
        const auto then = fold(store, projection, request);
        REQUIRE(then);
        CHECK(all(**then)[2] == Balance{"b-1", "ann", 0, 0, {}});
        CHECK((*then)->position() == position);
        const auto view = (*then)->view<Balance>();
        CHECK(view.all().at_least(position, 0ms).page());
        CHECK(view.all().at_least(ledgers.end(), 0ms).page().error().code == Errc::timed_out);
        Ledgers other;
        RowQuery foreign;
        foreign.at_least = other.world.store().position().value();
        CHECK((*then)->query(foreign).error().code == Errc::wrong_lineage);
    }
    SECTION("a position of another log") {
        Ledgers other;
        other.open("c-1", "eve");
        request.until = other.end();
        CHECK(fold(store, projection, request).error().code == Errc::wrong_lineage);
    }
}

TEST_CASE("fold: it is bounded, and says so", "[cqrs]") {
    Ledgers ledgers;
    fill(ledgers);
    FoldRequest request;
    request.events_max = 6;
    CHECK(fold(ledgers.world.store(), balances().build(), request));
    request.events_max = 5;
    const auto events = fold(ledgers.world.store(), balances().build(), request);
    CHECK(events.error().code == Errc::request_too_large);
    CHECK_THAT(events.error().message, Catch::Contains("more than 5 events"));
    request.events_max = 6;
    request.bytes_max = 500;
    const auto bytes = fold(ledgers.world.store(), balances().build(), request);
    CHECK(bytes.error().code == Errc::request_too_large);
    CHECK_THAT(bytes.error().message, Catch::Contains("more than 500 bytes"));
}

TEST_CASE("fold: the first event that fails ends it, and says which", "[cqrs]") {
    Ledgers ledgers;
    fill(ledgers);
    std::string reason;
    SECTION("a handler that throws") {
        ledgers.withdraw("a-1", 13);
        reason = "thirteen";
    }
    SECTION("an event that does not decode") {
        ledgers.world.append("a-1", "Deposited", "{}");
        reason = "cents";
    }
    SECTION("a second of a unique value") {
        ledgers.deposit("a-2", 1, "rent");
        reason = "note, which is unique";
    }
    SECTION("a row beyond its limits") {
        ledgers.open("a-9", std::string(300, 'x'));
        reason = "at most 251";
    }
    const auto folded = fold(ledgers.world.store(), balances().build());
    REQUIRE_FALSE(folded);
    CHECK_THAT(folded.error().message,
               Catch::Contains(reason) && Catch::Contains("partition 0 offset 7: stream a-"));
}

TEST_CASE("fold: queries that cannot be answered are refused as a read model's are", "[cqrs]") {
    Ledgers ledgers;
    fill(ledgers);
    const auto folded = fold(ledgers.world.store(), balances().build());
    REQUIRE(folded);
    RowQuery query;
    query.where.push_back({"colour", std::string("red")});
    CHECK_THAT((*folded)->query(query).error().message, Catch::Contains("no field colour"));
    query = {};
    query.version = 2;
    CHECK((*folded)->query(query).error().code == Errc::not_found);
    query = {};
    query.limit = 1;
    query.after = (*folded)->query(query)->next;
    query.order = "cents";
    CHECK_THAT((*folded)->query(query).error().message, Catch::Contains("of another query"));
}

TEST_CASE("fold: a decider's state out of any selection, at any time", "[cqrs][contract]") {
    World world(GENERATE(every_single_store()));
    EventStore& store = world.store();
    world.append("course-go", "CourseOffered", R"({"course":"go","seats":2})");
    const auto tag = [&](const std::string& student) {
        auto made = to_new_event(Enrolled{"go", student});
        REQUIRE(made);
        REQUIRE(store.append(Append::one("enrolment-go", *made)));
    };
    tag("ann");
    const Position position = store.position().value();
    tag("bob");
    const auto selection = Selection::matching(
        Query{{tagged<CourseOffered>({}), tagged<Enrolled>({tag_of("course", "go")})}});
    auto now = fold_state<Seats>(store, selection, {}, Seats{"go", "ann"});
    REQUIRE(now);
    CHECK(now->state.taken == 2);
    CHECK(now->events == 3);
    FoldRequest request;
    request.until = position;
    auto then = fold_state<Seats>(store, selection, request, Seats{"go", "ann"});
    REQUIRE(then);
    CHECK(then->state.taken == 1);
    CHECK(then->position == position);
    world.append("enrolment-go", "Renamed", "{}");
    CHECK_FALSE(fold_state<Seats>(store, Selection::category("enrolment")));
    CHECK(fold_state<Seats>(store, Selection::category("enrolment"), {}, {}, UnknownEvents::skip));
    request.until = Version(0);
    CHECK(fold_state<Seats>(store, Selection::stream("enrolment-go"), request)->events == 1);
}

}  // namespace skald::cqrs
