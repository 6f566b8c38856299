#include "tests/sql/balances.h"

namespace skald::sql {

TEST_CASE("sql poison: by default it stops at the event, with what came before", "[sql]") {
    Ledgers ledgers(GENERATE(cqrs::every_store()));
    ledgers.open("a-1", "ann");
    ledgers.deposit("a-1", 100);
    SECTION("a handler that throws") {
        ledgers.withdraw("a-1", 13);
    }
    SECTION("an event that does not decode") {
        ledgers.world.append("a-1", "Withdrawn", "[]");
    }
    SECTION("a constraint that refuses") {
        ledgers.open("a-1", "bob");
    }
    ledgers.deposit("a-1", 1);
    auto projector = ledgers.start();
    const Freshness freshness = projector->wait_for(ledgers.end(), 60s);
    CHECK(freshness.state == Freshness::State::stopped);
    CHECK_THAT(freshness.error.message, Catch::Contains("partition") && Catch::Contains("offset") &&
                                            Catch::Contains("stream a-1 version 2"));
    CHECK(ledgers.balance("a-1") == "ann 100");
    CHECK(ledgers.stored().events == 2);
    CHECK_FALSE(ledgers.stored().complete);
}

TEST_CASE("sql poison: a handler has no say in the transaction, nor in our tables", "[sql]") {
    Ledgers ledgers;
    ledgers.open("a-1", "ann");
    const std::string text = GENERATE(
        as<std::string>(), "COMMIT", "ROLLBACK", "BEGIN", "SAVEPOINT mine", "RELEASE skald_event",
        "DELETE FROM skald_projections", "UPDATE skald_projections SET position = ''",
        "INSERT INTO skald_parked VALUES('balances', x'00', '')", "DROP TABLE skald_parked",
        "CREATE TABLE skald_more(a)");
    INFO(text);
    auto projection = balances();
    projection.on<cqrs::NotOpen>(
        [&text](Tables& tables, const cqrs::NotOpen&) { tables.database().exec(text); });
    ledgers.world.append("a-1", "NotOpen", "{}");
    auto projector = ledgers.start(projection.build());
    const Freshness freshness = projector->wait_for(ledgers.end(), 60s);
    CHECK(freshness.state == Freshness::State::stopped);
    CHECK_THAT(freshness.error.message,
               Catch::Contains("stream a-1 version 1") &&
                   (Catch::Contains("not authorized") || Catch::Contains("prohibited")));
    CHECK(ledgers.stored().events == 1);
}

TEST_CASE("sql poison: a statement that rolls all back stops it, whatever the policy", "[sql]") {
    Ledgers ledgers;
    ledgers.open("a-1", "ann");
    ledgers.open("a-1", "ann");
    Projection projection("balances", 1);
    projection.table("balances", kBalances)
        .on<Opened>([](Tables& tables, const Opened&, const EventView& at) {
            auto& insert =
                tables.statement("INSERT OR ROLLBACK INTO balances(account, owner) VALUES(?, '')");
            insert.bind(1, std::string(at.stream));
            insert.exec();
        });
    auto projector = ledgers.start(projection.build(), {Poison::park()});
    const Freshness freshness = projector->wait_for(ledgers.end(), 60s);
    CHECK(freshness.state == Freshness::State::stopped);
    CHECK_THAT(freshness.error.message, Catch::Contains("conflict clause ROLLBACK"));
    CHECK(ledgers.stored().events == 0);
    CHECK_FALSE(ledgers.balance("a-1"));
}

TEST_CASE("sql poison: retry gives up after so many attempts", "[sql]") {
    Ledgers ledgers;
    ledgers.open("a-1", "ann");
    ledgers.deposit("a-1", 1);
    int calls = 0;
    const int failures = GENERATE(2, 3);
    auto projection = balances().build();
    projection.apply = [&, inner = projection.apply](Tables& tables,
                                                     const EventView& event) -> Result<void> {
        auto ok = inner(tables, event);
        if (event.type == "Deposited" && ++calls <= failures) {
            throw std::runtime_error("not yet");
        }
        return ok;
    };
    auto projector = ledgers.start(projection, {Poison::retry(3, 0ms)});
    const Freshness freshness = projector->wait_for(ledgers.end(), 60s);
    CHECK(calls == 3);
    CHECK(freshness.reached() == (failures == 2));
    CHECK(ledgers.balance("a-1") == (failures == 2 ? "ann 1" : "ann 0"));
}

TEST_CASE("sql poison: parked keys keep their order and can be replayed", "[sql]") {
    Ledgers ledgers(GENERATE(cqrs::every_store()));
    ledgers.open("a-1", "ann");
    ledgers.open("a-2", "bob");
    bool mended = false;
    auto projection = balances().build();
    projection.apply = [&mended, inner = projection.apply](Tables& tables,
                                                           const EventView& event) -> Result<void> {
        auto ok = inner(tables, event);
        if (!mended && event.data.find("\"broken\"") != std::string_view::npos) {
            throw std::runtime_error("broken");
        }
        return ok;
    };
    const auto start = [&] { return ledgers.start(projection, {Poison::park()}); };
    auto projector = start();
    ledgers.deposit("a-1", 5, "broken");
    ledgers.withdraw("a-1", 2);
    ledgers.deposit("a-2", 7);
    REQUIRE(ledgers.up_to_date(*projector));
    CHECK(ledgers.balance("a-1") == "ann 0");
    CHECK(ledgers.balance("a-2") == "bob 7");
    CHECK(projector->status()->version.parked == 2);
    // It is remembered over a restart, and what comes later waits too.
    projector.reset();
    projector = start();
    CHECK(projector->status()->version.parked == 2);
    ledgers.deposit("a-1", 100);
    REQUIRE(ledgers.up_to_date(*projector));
    auto parked = projector->parked("a-1");
    REQUIRE(parked);
    REQUIRE(parked->size() == 3);
    CHECK(parked->at(0).version == Version{1});
    CHECK(parked->at(0).attempts == 1);
    CHECK_THAT(parked->at(0).reason, Catch::Contains("broken"));
    CHECK(parked->at(2).version == Version{3});
    CHECK(projector->parked("a-2")->empty());
    CHECK(projector->parked("a")->empty());
    CHECK(projector->parked()->size() == 3);
    auto replayed = projector->replay_parked("a-1");
    REQUIRE(replayed);
    CHECK(replayed->events == 0);
    REQUIRE(replayed->error);
    CHECK(projector->parked("a-1")->at(0).attempts == 2);
    CHECK(ledgers.balance("a-1") == "ann 0");
    mended = true;
    replayed = projector->replay_parked("a-1");
    REQUIRE(replayed);
    CHECK(replayed->events == 3);
    CHECK(ledgers.balance("a-1") == "ann 103");
    CHECK(projector->status()->version.parked == 0);
    CHECK(projector->replay_parked("a-1").error().code == Errc::not_found);
    ledgers.deposit("a-1", 1);
    REQUIRE(ledgers.up_to_date(*projector));
    CHECK(ledgers.balance("a-1") == "ann 104");
}

}  // namespace skald::sql
