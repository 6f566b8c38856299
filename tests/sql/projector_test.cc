#include "skald/sql/projector.h"

#include <atomic>
#include <future>
#include <vector>

#include "tests/sql/balances.h"

namespace skald::sql {

using cqrs::every_store;
using Call = FaultyEventStore::Call;

TEST_CASE("sql projector: rows are what the events say, before and after a restart", "[sql]") {
    Ledgers ledgers(GENERATE(every_store()));
    ledgers.open("a-1", "ann");
    ledgers.deposit("a-1", 500);
    {
        auto projector = ledgers.start();
        REQUIRE(ledgers.up_to_date(*projector));
        CHECK(ledgers.balance("a-1") == "ann 500");
        ledgers.withdraw("a-1", 200);
        ledgers.world.append("a-1", "Audited", "{}");  // not handled: passed by
        REQUIRE(ledgers.up_to_date(*projector));
        CHECK(ledgers.balance("a-1") == "ann 300");
        CHECK_FALSE(ledgers.balance("a-2"));
    }
    ledgers.deposit("a-1", 1);
    auto projector = ledgers.start();
    REQUIRE(ledgers.up_to_date(*projector));
    CHECK(ledgers.balance("a-1") == "ann 301");
    CHECK(projector->status()->version.events == 4);
    CHECK(projector->status()->lag == 0);
}

TEST_CASE("sql projector: the checkpoint is of the commit that is read", "[sql]") {
    Ledgers ledgers;
    ledgers.open("a-1", "ann");
    auto projector = ledgers.start();
    REQUIRE(ledgers.up_to_date(*projector));
    const Position before = ledgers.end();
    SQLite::Database database(ledgers.file(), SQLite::OPEN_READONLY);
    SQLite::Transaction reading(database);
    CHECK(database.execAndGet("SELECT cents FROM balances").getInt64() == 0);
    // A reader holds nobody up, and sees one commit as long as it reads.
    ledgers.deposit("a-1", 5);
    REQUIRE(ledgers.up_to_date(*projector));
    auto seen = checkpoint(database, "balances");
    REQUIRE(seen);
    CHECK(compare(seen->position, before) == Order::equal);
    CHECK(seen->complete);
    CHECK(seen->version == 1);
    CHECK(seen->events == 1);
    CHECK(database.execAndGet("SELECT cents FROM balances").getInt64() == 0);
    CHECK(compare(ledgers.stored().position, ledgers.end()) == Order::equal);
    CHECK(ledgers.balance("a-1") == "ann 5");
    CHECK(checkpoint(database, "others").error().code == Errc::not_found);
    SQLite::Database empty(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    CHECK(checkpoint(empty, "balances").error().code == Errc::not_found);
}

TEST_CASE("sql projector: a checkpoint of another log is not trusted", "[sql]") {
    Ledgers ledgers;
    {
        Ledgers other;
        other.open("b-1", "bob");
        other.deposit("b-1", 5);
        auto projector = other.start();
        REQUIRE(other.up_to_date(*projector));
        projector.reset();
        std::filesystem::copy(other.file(), ledgers.file());
    }
    ledgers.open("a-1", "ann");
    CHECK(ledgers.balance("b-1"));
    auto projector = ledgers.start();
    REQUIRE(ledgers.up_to_date(*projector));
    CHECK(ledgers.balance("a-1"));
    CHECK_FALSE(ledgers.balance("b-1"));
    REQUIRE(projector->status()->version.error);
    CHECK(projector->status()->version.error->code == Errc::wrong_lineage);
}

TEST_CASE("sql projector: a checkpoint ahead of the log is not trusted", "[sql]") {
    Ledgers ledgers;
    ledgers.open("a-1", "ann");
    auto projector = ledgers.start();
    REQUIRE(ledgers.up_to_date(*projector));
    projector.reset();
    ledgers.world.store().fail_before(Call::subscribe, 1, Error(Errc::log_truncated, "told to"));
    projector = ledgers.start();
    REQUIRE(ledgers.up_to_date(*projector));
    CHECK(projector->status()->version.error->code == Errc::log_truncated);
    CHECK(projector->status()->version.events == 1);
    CHECK(ledgers.balance("a-1") == "ann 0");
}

TEST_CASE("sql projector: a rebuild makes the same rows", "[sql]") {
    Ledgers ledgers;
    ledgers.open("a-1", "ann");
    ledgers.deposit("a-1", 5, "rent");
    auto projector = ledgers.start();
    REQUIRE(ledgers.up_to_date(*projector));
    const auto calls = ledgers.world.store().calls(Call::subscribe);
    projector->rebuild();
    while (ledgers.world.store().calls(Call::subscribe) == calls) {
        std::this_thread::yield();
    }
    REQUIRE(ledgers.up_to_date(*projector));
    CHECK(ledgers.balance("a-1") == "ann 5");
    CHECK(projector->status()->version.events == 2);
}

TEST_CASE("sql projector: another writer of the file holds it up, and no longer", "[sql]") {
    Ledgers ledgers;
    ledgers.open("a-1", "ann");
    ProjectorOptions options;
    options.retry_min = 0ms;
    options.retry_max = 0ms;
    FileOptions impatient;
    impatient.busy_timeout = 0ms;
    auto started = ledgers.try_start(balances().build(), options, impatient);
    REQUIRE(started);
    auto projector = std::move(*started);
    REQUIRE(ledgers.up_to_date(*projector));
    {
        SQLite::Database other(ledgers.file(), SQLite::OPEN_READWRITE);
        SQLite::Transaction writing(other, SQLite::TransactionBehavior::IMMEDIATE);
        CHECK(ledgers.try_start(balances().build(), options, impatient).error().code == Errc::busy);
        ledgers.deposit("a-1", 5);
        while (!projector->status()->version.error) {
            std::this_thread::yield();
        }
        CHECK(projector->status()->version.error->code == Errc::busy);
        CHECK(ledgers.balance("a-1") == "ann 0");
    }
    REQUIRE(ledgers.up_to_date(*projector));
    CHECK(ledgers.balance("a-1") == "ann 5");
}

TEST_CASE("sql projector: a higher version takes the place of the one before", "[sql]") {
    Ledgers ledgers;
    ledgers.open("a-1", "ann");
    int effects = 0;
    ledgers.start().reset();
    {
        auto projector = ledgers.start();
        REQUIRE(ledgers.up_to_date(*projector));
    }
    Projection second("balances", 2);
    second.table("owners", "CREATE TABLE owners(owner TEXT PRIMARY KEY)")
        .on<Opened>([&effects](Tables& tables, const Opened& opened) {
            auto& insert = tables.statement("INSERT INTO owners VALUES(?)");
            insert.bind(1, opened.owner);
            insert.exec();
            tables.effect([&effects] { ++effects; });
        });
    auto projector = ledgers.start(second.build());
    ledgers.open("a-2", "bob");
    REQUIRE(ledgers.up_to_date(*projector));
    projector.reset();
    CHECK(ledgers.number("SELECT count(*) FROM owners") == 2);
    CHECK(ledgers.number("SELECT count(*) FROM sqlite_master WHERE name = 'balances'") == 0);
    CHECK(effects == 1);  // version 1 had passed the first event
    CHECK(ledgers.stored().version == 2);
    const auto older = ledgers.try_start(balances().build());
    CHECK(older.error().code == Errc::invalid_argument);
    CHECK_THAT(older.error().message, Catch::Contains("version 2"));
}

TEST_CASE("sql projector: what cannot be is refused when it starts", "[sql]") {
    Ledgers ledgers;
    ledgers.start().reset();
    const auto refused = [&](const AnyProjection& projection) {
        auto started = ledgers.try_start(projection);
        REQUIRE_FALSE(started);
        CHECK(started.error().code == Errc::invalid_argument);
        return started.error().message;
    };
    Projection changed("balances", 1);
    changed.table("balances", "CREATE TABLE balances(account TEXT)");
    CHECK_THAT(refused(changed.build()), Catch::Contains("give the new ones a higher version"));
    const auto other = [](const std::string& table, const std::string& definition) {
        Projection projection("others", 1);
        projection.table(table, definition);
        return projection.build();
    };
    CHECK_THAT(refused(other("balances", kBalances)), Catch::Contains("already exists"));
    CHECK_THAT(refused(other("a", "CREATE TABLE b(c)")), Catch::Contains("makes no such table"));
    CHECK_THAT(refused(other("a", "COMMIT; CREATE TABLE a(c)")), Catch::Contains("not authorized"));
    CHECK_THAT(refused(other("skald_a", "CREATE TABLE skald_a(c)")), Catch::Contains("skald_a"));
    CHECK_THAT(refused(other("a\"", "")), Catch::Contains("letters"));
    Projection none("none", 1);
    CHECK_THAT(refused(none.build()), Catch::Contains("1 to 64 tables"));
    auto unnamed = balances().build();
    unnamed.name.clear();
    CHECK_THAT(refused(unnamed), Catch::Contains("name"));
    unnamed.name = "balances";
    unnamed.version = 0;
    CHECK_THAT(refused(unnamed), Catch::Contains("from 1"));
    CHECK(ledgers.number("SELECT count(*) FROM skald_projections") == 1);
    auto nowhere = start_projector(ledgers.world.store(), ledgers.directory.path("no/file"),
                                   balances().build());
    CHECK(nowhere.error().code == Errc::io_error);
    SQLite::Database database(ledgers.file(), SQLite::OPEN_READWRITE);
    database.exec("UPDATE skald_projections SET format = 2");
    CHECK(ledgers.try_start(balances().build()).error().code == Errc::unknown_format);
    database.exec("UPDATE skald_projections SET format = 1, position = 'none'");
    CHECK(ledgers.try_start(balances().build()).error().code == Errc::corrupt);
}

TEST_CASE("sql projector: of two copies one runs, and the other takes over", "[sql]") {
    Ledgers ledgers;
    ledgers.open("a-1", "ann");
    auto first = ledgers.start();
    REQUIRE(ledgers.up_to_date(*first));
    auto second = ledgers.start();
    CHECK(first->status()->leads);
    CHECK_FALSE(second->status()->leads);
    first.reset();
    ledgers.deposit("a-1", 7);
    REQUIRE(ledgers.up_to_date(*second));
    CHECK(second->status()->leads);
    CHECK(ledgers.balance("a-1") == "ann 7");
}

namespace {

// Gives the lease to whoever asks, as one does whose holder has not been heard of.
class GivenAway final : public cqrs::Lease {
  public:
    Result<std::uint64_t> acquire(const std::string&, std::chrono::milliseconds) override {
        return ++term_;
    }
    void release(const std::string&, std::uint64_t) override {}

  private:
    std::atomic<std::uint64_t> term_ = 1;
};

// Never given to a copy that lost it.
class LostOnce final : public cqrs::Lease {
  public:
    Result<std::uint64_t> acquire(const std::string&, std::chrono::milliseconds) override {
        return ++asked_ == 1 ? Result<std::uint64_t>(1) : Error(Errc::busy, "another has it");
    }
    void release(const std::string&, std::uint64_t) override {}

  private:
    std::atomic<int> asked_ = 0;
};

}  // namespace

TEST_CASE("sql projector: a copy that lost its lease is fenced", "[sql]") {
    Ledgers ledgers;
    ledgers.open("a-1", "ann");
    LostOnce paused;
    GivenAway taken;
    ProjectorOptions options;
    options.lease = &paused;
    auto first = ledgers.start(options);
    REQUIRE(ledgers.up_to_date(*first));
    options.lease = &taken;
    auto second = ledgers.start(options);
    REQUIRE(ledgers.up_to_date(*second));
    ledgers.deposit("a-1", 7);  // comes to both
    REQUIRE(ledgers.up_to_date(*second));
    while (first->status()->leads) {
        std::this_thread::yield();
    }
    CHECK(ledgers.balance("a-1") == "ann 7");
    CHECK(ledgers.stored().events == 2);
}

TEST_CASE("sql projector: effects come once, after the commit, and not for history", "[sql]") {
    Ledgers ledgers;
    ledgers.open("old", "ann");
    std::vector<std::string> done;
    Projection with_effects("balances", 1);
    with_effects.table("balances", kBalances)
        .on<Opened>([&](Tables& tables, const Opened&, const EventView& at) {
            const std::string stream(at.stream);
            auto& insert = tables.statement("INSERT INTO balances(account, owner) VALUES(?, '')");
            insert.bind(1, stream);
            tables.effect([&done, &ledgers, stream] {
                done.push_back(stream + (ledgers.balance(stream) ? " seen" : " not there"));
            });
            insert.exec();
        });
    auto projector = ledgers.start(with_effects.build(), {Poison::park()});
    REQUIRE(ledgers.up_to_date(*projector));
    ledgers.open("new", "bob");
    ledgers.open("new", "bob");  // refused by the key: no effect
    REQUIRE(ledgers.up_to_date(*projector));
    projector->rebuild();
    ledgers.open("newer", "eve");
    while (!projector->wait_for(ledgers.end(), 60s).reached() ||
           projector->status()->version.events != 4) {
    }
    projector.reset();
    CHECK(done == std::vector<std::string>{"new seen", "newer seen"});
}

}  // namespace skald::sql
