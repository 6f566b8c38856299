#include "skald/cqrs/aggregate_root.h"

#include "skald/cqrs/repository.h"
#include "tests/cqrs/account.h"
#include "tests/cqrs/repository_fixture.h"
#include "tests/cqrs/stores.h"

namespace skald::cqrs {
namespace {

class Ledger : public AggregateRoot<Ledger, Deposited, Withdrawn> {
  public:
    void credit(std::int64_t cents) { raise(Deposited{cents, ""}); }
    bool debit(std::int64_t cents) {
        if (cents > sum_) {
            return false;
        }
        raise(Withdrawn{cents});
        return true;
    }
    void evolve(const Deposited& deposited) { sum_ += deposited.cents; }
    void evolve(const Withdrawn& withdrawn) { sum_ -= withdrawn.cents; }
    std::int64_t sum() const { return sum_; }

    static auto describe() { return record<Ledger>("Ledger").field("sum", &Ledger::sum_); }

  private:
    std::int64_t sum_ = 0;
};

Ledger load(Repository<Ledger>& ledgers, const std::string& id) {
    auto loaded = ledgers.load(id);
    REQUIRE(loaded);
    return std::move(loaded->state);
}

}  // namespace

TEST_CASE("aggregate root: raise applies at once and collects", "[cqrs]") {
    Ledger ledger;
    ledger.credit(10);
    CHECK(ledger.debit(4));
    CHECK_FALSE(ledger.debit(7));
    CHECK(ledger.sum() == 6);
    REQUIRE(ledger.uncommitted().size() == 2);
    CHECK(std::get<Withdrawn>(ledger.uncommitted()[1]).cents == 4);
    CHECK_FALSE(ledger.version());
}

TEST_CASE("aggregate root: create, load, save", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Ledger> ledgers(world.store(), quiet(world));
    Ledger made;
    made.credit(10);
    made.debit(4);
    const auto created = ledgers.create("1", made);
    REQUIRE(created);
    CHECK((*created)->version == Version(1));
    CHECK(made.uncommitted().empty());
    CHECK(made.version() == Version(1));

    Ledger again = load(ledgers, "1");
    CHECK(again.sum() == 6);
    CHECK(again.version() == Version(1));
    CHECK(again.uncommitted().empty());
    again.credit(1);
    REQUIRE(ledgers.save("1", again));
    again.credit(1);
    CHECK((*ledgers.save("1", again))->version == Version(3));
    CHECK(load(ledgers, "1").sum() == 8);
    const auto nothing = ledgers.save("1", again);
    REQUIRE(nothing);
    CHECK_FALSE(*nothing);
}

TEST_CASE("aggregate root: create fails where the stream exists", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Ledger> ledgers(world.store(), quiet(world));
    Ledger first;
    first.credit(1);
    REQUIRE(ledgers.create("1", first));
    Ledger second;
    second.credit(2);
    CHECK(ledgers.create("1", second).error().code == Errc::wrong_expected_version);
    CHECK(second.uncommitted().size() == 1);
    Ledger loaded = load(ledgers, "1");
    loaded.credit(5);
    CHECK(ledgers.create("1", loaded).error().code == Errc::wrong_expected_version);
    CHECK(load(ledgers, "1").sum() == 1);
}

TEST_CASE("aggregate root: a save that fails clears nothing", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Ledger> ledgers(world.store(), quiet(world));
    Ledger mine;
    mine.credit(1);
    REQUIRE(ledgers.create("1", mine));
    Ledger theirs = load(ledgers, "1");
    theirs.credit(5);
    REQUIRE(ledgers.save("1", theirs));
    mine.credit(7);
    CHECK(ledgers.save("1", mine).error().code == Errc::wrong_expected_version);
    CHECK(mine.uncommitted().size() == 1);
    CHECK(mine.version() == Version(0));
    mine = load(ledgers, "1");
    mine.credit(7);
    REQUIRE(ledgers.save("1", mine));
    CHECK(load(ledgers, "1").sum() == 13);
}

TEST_CASE("aggregate root: a save of unknown outcome may be made again", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Ledger> ledgers(world.store(), quiet(world));
    Ledger ledger;
    ledger.credit(1);
    for (std::uint64_t n = 1; n <= 4; ++n) {
        world.store().fail_after(FaultyEventStore::Call::append, n,
                                 {Errc::outcome_unknown, "lost"});
    }
    CHECK(ledgers.create("1", ledger).error().code == Errc::outcome_unknown);
    CHECK(ledger.uncommitted().size() == 1);
    const auto saved = ledgers.save("1", ledger);
    REQUIRE(saved);
    CHECK((*saved)->repeated);
    CHECK(ledger.uncommitted().empty());
    ledger.credit(2);
    CHECK((*ledgers.save("1", ledger))->version == Version(1));
    CHECK(load(ledgers, "1").sum() == 3);
}

TEST_CASE("aggregate root: a repeated command gives the first receipt", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Ledger> ledgers(world.store(), quiet(world));
    Ledger ledger;
    ledger.credit(1);
    const auto first = ledgers.create("1", ledger, {.command_id = "c"});
    REQUIRE(first);
    Ledger again = load(ledgers, "1");
    again.credit(1);
    const auto repeat = ledgers.save("1", again, {.command_id = "c"});
    REQUIRE(repeat);
    CHECK((*repeat)->repeated);
    CHECK((*repeat)->version == (*first)->version);
    CHECK(again.sum() == 1);
    CHECK(again.uncommitted().empty());
    ledger.credit(1);
    CHECK((*ledgers.save("1", ledger, {.command_id = "c"}))->repeated);
    CHECK(ledger.sum() == 1);
}

TEST_CASE("aggregate root: snapshots and versions as in the other style", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    RepositoryOptions options = quiet(world);
    options.snapshot.events = 1;
    Repository<Ledger> ledgers(world.store(), options);
    Ledger ledger;
    ledger.credit(1);
    ledger.credit(2);
    REQUIRE(ledgers.create("1", ledger));
    CHECK(load(ledgers, "1").sum() == 3);
    Ledger from_snapshot = load(ledgers, "1");
    CHECK(ledgers.stats().snapshots_used == 1);
    CHECK(from_snapshot.sum() == 3);
    from_snapshot.credit(4);
    REQUIRE(ledgers.save("1", from_snapshot));
    CHECK(ledgers.load_at("1", Version(0))->state.sum() == 1);
}

TEST_CASE("aggregate root: an erased last event does not stop the saves behind it",
          "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Ledger> ledgers(world.store(), quiet(world));
    Ledger made;
    made.credit(1);
    made.credit(2);
    REQUIRE(ledgers.create("1", made));
    REQUIRE(world.store().change_stream(
        {"account-1", Expected::stream_exists(), EraseEvent{Version(1)}}));
    Ledger loaded = load(ledgers, "1");
    CHECK(loaded.sum() == 1);
    loaded.credit(5);
    const auto expected = GENERATE(std::optional<Expected>(), Expected::exact(0),
                                   Expected::exact(1), Expected::stream_exists());
    const auto saved = ledgers.save("1", loaded, {.expected = expected});
    REQUIRE(saved);
    CHECK((*saved)->version == Version(2));
    CHECK(load(ledgers, "1").sum() == 6);
}

TEST_CASE("aggregate root: create fails where all events were removed", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Ledger> ledgers(world.store(), quiet(world));
    Ledger made;
    made.credit(1);
    REQUIRE(ledgers.create("1", made));
    REQUIRE(world.store().change_stream(
        {"account-1", Expected::stream_exists(), TruncateStream{Version(1)}}));
    Ledger second;
    second.credit(2);
    CHECK(ledgers.create("1", second).error().code == Errc::wrong_expected_version);
    REQUIRE(ledgers.save("1", second));
}

TEST_CASE("aggregate root: a repeat that cannot be loaded changes nothing", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Ledger> ledgers(world.store(), quiet(world));
    Ledger first;
    first.credit(1);
    REQUIRE(ledgers.create("1", first, {.command_id = "c"}));
    SECTION("of a command that the object remembers") {
        Ledger again = load(ledgers, "1");
        again.credit(5);
        world.store().fail_before(FaultyEventStore::Call::read, 2, {Errc::unreachable, "told to"});
        CHECK(ledgers.save("1", again, {.command_id = "c"}).error().code == Errc::unreachable);
        CHECK(again.uncommitted().size() == 1);
        CHECK(again.sum() == 6);
        CHECK((*ledgers.save("1", again, {.command_id = "c"}))->repeated);
        CHECK(again.sum() == 1);
        CHECK(again.uncommitted().empty());
    }
    SECTION("of a command that only the store knows") {
        Ledger twin;
        twin.credit(7);
        world.store().fail_before(FaultyEventStore::Call::read, 1, {Errc::unreachable, "told to"});
        CHECK(ledgers.save("1", twin, {.command_id = "c"}).error().code == Errc::unreachable);
        CHECK(twin.uncommitted().size() == 1);
        CHECK_FALSE(twin.version());
        CHECK(ledgers.save("1", twin).error().code == Errc::wrong_expected_version);
        CHECK(load(ledgers, "1").sum() == 1);
    }
}

TEST_CASE("aggregate root: a copy's save is another one", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Ledger> ledgers(world.store(), quiet(world));
    Ledger mine;
    mine.credit(1);
    REQUIRE(ledgers.create("1", mine));
    mine.credit(2);
    const bool unknown = GENERATE(false, true);
    for (std::uint64_t n = 1; n <= (unknown ? 4 : 1); ++n) {
        world.store().fail_before(FaultyEventStore::Call::append, n,
                                  {unknown ? Errc::outcome_unknown : Errc::busy, "told to"});
    }
    REQUIRE_FALSE(ledgers.save("1", mine));
    Ledger copy = mine;
    copy.credit(4);
    Ledger assigned;
    assigned = mine;
    CHECK_FALSE((*ledgers.save("1", mine))->repeated);
    CHECK(ledgers.save("1", copy).error().code == Errc::wrong_expected_version);
    CHECK(copy.uncommitted().size() == 2);
    CHECK(ledgers.save("1", assigned).error().code == Errc::wrong_expected_version);
    CHECK(load(ledgers, "1").sum() == 3);
}

TEST_CASE("aggregate root: a save of unknown outcome stays one while it is refused",
          "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Ledger> ledgers(world.store(), quiet(world));
    Ledger ledger;
    ledger.credit(1);
    for (std::uint64_t n = 1; n <= 4; ++n) {
        world.store().fail_after(FaultyEventStore::Call::append, n,
                                 {Errc::outcome_unknown, "lost"});
    }
    CHECK(ledgers.create("1", ledger).error().code == Errc::outcome_unknown);
    world.store().fail_before(FaultyEventStore::Call::append, 1, {Errc::busy, "told to"});
    CHECK(ledgers.create("1", ledger).error().code == Errc::busy);
    CHECK((*ledgers.create("1", ledger))->repeated);
    CHECK(load(ledgers, "1").sum() == 1);
}

}  // namespace skald::cqrs
