#include "skald/cqrs/poison.h"
#include "tests/cqrs/balances.h"

namespace skald::cqrs {

TEST_CASE("poison: by default it stops at the event, with what came before", "[cqrs]") {
    Ledgers ledgers(GENERATE(every_store()));
    ledgers.open("a-1", "ann");
    ledgers.deposit("a-1", 100);
    SECTION("a handler that throws") {
        ledgers.withdraw("a-1", 13);
    }
    SECTION("an event that does not decode") {
        ledgers.world.append("a-1", "Withdrawn", "[]");
    }
    SECTION("a second of a unique value") {
        ledgers.open("a-2", "bob");
        ledgers.deposit("a-1", 0, "rent");
        ledgers.deposit("a-2", 0, "rent");
    }
    SECTION("a value too long for an index") {
        ledgers.open("a-3", std::string(300, 'x'));
    }
    ledgers.deposit("a-1", 1);
    auto projector = ledgers.start();
    const Freshness freshness = projector->wait_for(ledgers.end(), 60s);
    CHECK(freshness.state == Freshness::State::stopped);
    CHECK(freshness.left >= 1);
    CHECK_THAT(freshness.error.message, Catch::Contains("partition") && Catch::Contains("offset") &&
                                            Catch::Contains("stream a-"));
    CHECK(ledgers.status().state == ModelState::stopped);
    CHECK(ledgers.status().events >= 2);
    CHECK(ledgers.status().events <= 4);
}

TEST_CASE("poison: nothing of the event is in the rows", "[cqrs]") {
    Ledgers ledgers;
    ledgers.open("a-1", "ann");
    ledgers.deposit("a-1", 100);
    auto projector = ledgers.start(ProjectorOptions{Poison::park()});
    REQUIRE(ledgers.up_to_date(*projector));
    ledgers.withdraw("a-1", 13);  // changes the row, then throws
    REQUIRE(ledgers.up_to_date(*projector));
    CHECK(ledgers.balance("a-1")->cents == 100);
}

TEST_CASE("poison: retry gives up after so many attempts", "[cqrs]") {
    Ledgers ledgers;
    ledgers.open("a-1", "ann");
    ledgers.deposit("a-1", 1);
    int calls = 0;
    int failures = GENERATE(2, 3);
    Projection<Balance> projection("balances", 1, balance_rows());
    projection.on<Opened>([](Rows<Balance>& rows, const Opened& opened, const EventView& at) {
        rows.put({std::string(at.stream), opened.owner, 0, 0, {}});
    });
    projection.on<Deposited>([&](Rows<Balance>& rows, const Deposited& to, const EventView& at) {
        rows.change(at.stream, [&](Balance& balance) { balance.cents += to.cents; });
        if (++calls <= failures) {
            throw std::runtime_error("not yet");
        }
    });
    auto projector = ledgers.start(projection.build(), {Poison::retry(3, 0ms)});
    const Freshness freshness = projector->wait_for(ledgers.end(), 60s);
    CHECK(calls == 3);
    if (failures == 2) {
        CHECK(freshness.reached());
        CHECK(ledgers.balance("a-1")->cents == 1);
    } else {
        CHECK(freshness.state == Freshness::State::stopped);
        CHECK_THAT(freshness.error.message, Catch::Contains("not yet"));
    }
}

TEST_CASE("poison: parked keys keep their order and can be replayed", "[cqrs]") {
    Ledgers ledgers(GENERATE(every_store()));
    ledgers.open("a-1", "ann");
    ledgers.open("a-2", "bob");
    bool mended = false;
    auto projection = balances().build();
    projection.apply = [&mended, inner = projection.apply](RowChanges& rows,
                                                           const EventView& event) -> Result<void> {
        if (!mended && event.data.find("\"broken\"") != std::string_view::npos) {
            throw std::runtime_error("broken");
        }
        return inner(rows, event);
    };
    const auto start = [&] { return ledgers.start(projection, {Poison::park()}); };
    auto projector = start();
    ledgers.deposit("a-1", 5, "broken");
    ledgers.withdraw("a-1", 2);
    ledgers.deposit("a-2", 7);
    REQUIRE(ledgers.up_to_date(*projector));
    CHECK(ledgers.balance("a-1")->cents == 0);
    CHECK(ledgers.balance("a-2")->cents == 7);
    CHECK(ledgers.status().parked == 2);
    // It is remembered over a restart, and what comes later waits too.
    projector.reset();
    ledgers.open_model();
    projector = start();
    ledgers.deposit("a-1", 100);
    REQUIRE(ledgers.up_to_date(*projector));
    auto parked = projector->parked("a-1");
    REQUIRE(parked);
    REQUIRE(parked->size() == 3);
    CHECK(parked->at(0).stream == "a-1");
    CHECK(parked->at(0).version == Version{1});
    CHECK(parked->at(0).type == "Deposited");
    CHECK(parked->at(0).attempts == 1);
    CHECK_THAT(parked->at(0).reason, Catch::Contains("broken"));
    CHECK(parked->at(1).reason.empty());
    CHECK(parked->at(2).version == Version{3});
    CHECK(projector->parked("a-2")->empty());
    // Not mended yet: nothing changes but the count.
    auto replayed = projector->replay_parked("a-1");
    REQUIRE(replayed);
    CHECK(replayed->events == 0);
    REQUIRE(replayed->error);
    CHECK_THAT(replayed->error->message, Catch::Contains("stream a-1 version 1"));
    CHECK(projector->parked("a-1")->at(0).attempts == 2);
    mended = true;
    replayed = projector->replay_parked("a-1");
    REQUIRE(replayed);
    CHECK(replayed->events == 3);
    CHECK_FALSE(replayed->error);
    CHECK(ledgers.balance("a-1") == Balance{"a-1", "ann", 103, 3, "broken"});
    CHECK(ledgers.status().parked == 0);
    CHECK(projector->replay_parked("a-1").error().code == Errc::not_found);
    ledgers.deposit("a-1", 1);
    REQUIRE(ledgers.up_to_date(*projector));
    CHECK(ledgers.balance("a-1")->cents == 104);
}

}  // namespace skald::cqrs
