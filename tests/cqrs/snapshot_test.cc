// Snapshots: used when they fit, ignored when not, never needed (rule A4).
#include "skald/cqrs/repository.h"
#include "tests/cqrs/account.h"
#include "tests/cqrs/repository_fixture.h"
#include "tests/cqrs/stores.h"

namespace skald::cqrs {
namespace {

using Call = FaultyEventStore::Call;

RepositoryOptions every(World& world, std::uint64_t events) {
    RepositoryOptions options = quiet(world);
    options.snapshot.events = events;
    return options;
}

std::optional<Version> snapshot_version(World& world) {
    const auto snapshot = world.store().get_snapshot("account-1");
    REQUIRE(snapshot);
    return *snapshot ? std::optional((*snapshot)->version) : std::nullopt;
}

// Opened and nine deposits of 1.
void fill(World& world, Repository<Account>& accounts) {
    must(accounts, "1", Open{"ann"});
    for (int i = 0; i < 9; ++i) {
        must(accounts, "1", Deposit{1});
    }
    REQUIRE(world.events("account-1").size() == 10);
}

// Another state over the same events, and what it folds has another meaning.
template <typename... Es>
struct CountOf {
    using Events = EventList<Es...>;
    std::uint64_t events = 0;
    template <typename E>
    void evolve(const E&) {
        ++events;
    }
    static auto describe() { return record<CountOf>("Count").field("events", &CountOf::events); }
};
struct Count {
    using Events = EventList<Opened, Deposited, Withdrawn>;
    std::uint64_t events = 0;
    void evolve(const Opened&) { ++events; }
    void evolve(const Deposited&) { ++events; }
    void evolve(const Withdrawn&) { ++events; }
    static auto describe() { return record<Count>("Count").field("events", &Count::events); }
};

// Grows by a MiB with each event.
struct Hoard {
    using Events = EventList<Opened>;
    std::string text;
    void evolve(const Opened&) { text.append(std::size_t{1} << 20, 'x'); }
    static auto describe() { return record<Hoard>("Hoard").field("text", &Hoard::text); }
};

}  // namespace

TEST_CASE("snapshot: by count, and then only the tail is folded", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> accounts(world.store(), every(world, 4));
    fill(world, accounts);
    CHECK(snapshot_version(world) == Version(7));
    CHECK(accounts.stats().snapshots_written == 2);

    Repository<Account> fresh(world.store(), every(world, 4));
    const auto loaded = fresh.load("1");
    CHECK(loaded->state.cents == 9);
    CHECK(loaded->version == Version(9));
    CHECK(fresh.stats().events_folded == 2);
    CHECK(fresh.stats().snapshots_used == 1);
}

TEST_CASE("snapshot: by load time", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> plain(world.store(), quiet(world));
    fill(world, plain);
    struct Slow final : ForwardingStore {
        Slow(EventStore& inner, ManualClock& clock) : ForwardingStore(inner), clock_(clock) {}
        Result<Page> read(const Read& request) override {
            clock_.advance(std::chrono::milliseconds(10));
            return ForwardingStore::read(request);
        }
        ManualClock& clock_;
    } slow(world.store(), world.clock());
    RepositoryOptions options = quiet(world);
    options.snapshot.load_time = std::chrono::milliseconds(11);
    Repository<Account> patient(slow, options);
    REQUIRE(patient.load("1"));
    CHECK_FALSE(snapshot_version(world));
    options.snapshot.load_time = std::chrono::milliseconds(10);
    Repository<Account> hasty(slow, options);
    REQUIRE(hasty.load("1"));
    CHECK(snapshot_version(world) == Version(9));
}

TEST_CASE("snapshot: by predicate", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> accounts(world.store(), quiet(world),
                                 [](const Account& account, Version version) {
                                     return account.cents == 5 && version == Version(5);
                                 });
    fill(world, accounts);
    CHECK(snapshot_version(world) == Version(5));
}

TEST_CASE("snapshot: another fingerprint is ignored, folded anew and replaced",
          "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> accounts(world.store(), every(world, 10));
    fill(world, accounts);
    REQUIRE(snapshot_version(world) == Version(9));

    SECTION("another version of evolve") {
        RepositoryOptions options = every(world, 10);
        options.state_version = 2;
        Repository<Account> newer(world.store(), options);
        CHECK(newer.load("1")->state.cents == 9);
        CHECK(newer.stats().snapshots_ignored == 1);
        CHECK(newer.stats().events_folded == 10);
        CHECK(newer.stats().snapshots_written == 1);
        CHECK(newer.load("1")->state.cents == 9);
        CHECK(newer.stats().snapshots_used == 1);
    }
    SECTION("another state") {
        Repository<Count> counts(world.store(), every(world, 10));
        CHECK(counts.load("1")->state.events == 10);
        CHECK(counts.stats().snapshots_ignored == 1);
    }
}

TEST_CASE("snapshot: what is damaged, or of another history, is ignored", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> accounts(world.store(), every(world, 10));
    fill(world, accounts);
    auto snapshot = *world.store().get_snapshot("account-1");
    REQUIRE(snapshot);
    SECTION("cut short") {
        snapshot->bytes.resize(GENERATE(0U, 3U, 10U, 23U, 30U));
    }
    SECTION("no magic") {
        snapshot->bytes[0] = 'x';
    }
    SECTION("another event's id") {
        snapshot->bytes[5] = static_cast<char>(~snapshot->bytes[5]);
    }
    SECTION("a version that is not there") {
        snapshot->version = Version(77);
    }
    SECTION("another version") {
        snapshot->version = Version(4);
    }
    SECTION("commands beyond all bounds") {
        snapshot->bytes[27] = '\x7f';
    }
    SECTION("more of them remembered than may be") {
        snapshot->bytes[23] = '\x7f';
    }
    SECTION("a state that does not decode") {
        snapshot->bytes.back() = '[';
    }
    REQUIRE(world.store().put_snapshot("account-1", *snapshot));
    Repository<Account> fresh(world.store(), every(world, 100));
    CHECK(fresh.load("1")->state.cents == 9);
    CHECK(fresh.load("1")->version == Version(9));
    CHECK(fresh.stats().snapshots_ignored == 2);
    CHECK(fresh.stats().snapshots_used == 0);
}

TEST_CASE("snapshot: of a stream that was deleted since is ignored", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> accounts(world.store(), every(world, 1));
    must(accounts, "1", Open{"ann"});
    must(accounts, "1", Deposit{5});
    REQUIRE(world.store().change_stream({"account-1", Expected::stream_exists(), DeleteStream{}}));
    Repository<Account> plain(world.store(), quiet(world));
    must(plain, "1", Open{"bob"});
    CHECK(accounts.load("1")->state.owner == "bob");
    CHECK(accounts.load("1")->state.cents == 0);
}

TEST_CASE("snapshot: failing to read or write one fails nothing", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> accounts(world.store(), every(world, 2));
    world.store().fail_before(Call::put_snapshot, 1, {Errc::disk_full, "told to"});
    must(accounts, "1", Open{"ann"});
    must(accounts, "1", Deposit{1});
    CHECK(accounts.stats().snapshots_failed == 1);
    CHECK_FALSE(snapshot_version(world));
    must(accounts, "1", Deposit{1});
    CHECK(snapshot_version(world));
    world.store().fail_before(Call::get_snapshot, 1, {Errc::io_error, "told to"});
    CHECK(accounts.load("1")->state.cents == 2);
    CHECK(accounts.stats().snapshots_failed == 2);
}

TEST_CASE("snapshot: remembered commands are in it", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> accounts(world.store(), every(world, 3));
    must(accounts, "1", Open{"ann"});
    const auto first = must(accounts, "1", Exchange{0, 5}, {.command_id = "c"});
    REQUIRE(snapshot_version(world) == Version(2));
    Repository<Account> fresh(world.store(), every(world, 3));
    const auto again = must(fresh, "1", Exchange{0, 5}, {.command_id = "c"});
    CHECK(fresh.stats().events_folded == 0);
    CHECK(again.receipt->repeated);
    CHECK(again.receipt->version == first.receipt->version);
    CHECK(fresh.stats().repeats == 1);
}

TEST_CASE("snapshot: older states are loaded without a newer snapshot", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> accounts(world.store(), every(world, 5));
    must(accounts, "1", Open{"ann"});
    for (int i = 0; i < 9; ++i) {
        world.clock().advance(std::chrono::seconds(1));
        must(accounts, "1", Deposit{1});
    }
    REQUIRE(snapshot_version(world) == Version(9));
    const auto events = world.events("account-1");
    for (std::uint64_t version = 0; version < 10; ++version) {
        CHECK(accounts.load_at("1", Version(version))->state.cents ==
              static_cast<std::int64_t>(version));
        CHECK(accounts.load_at("1", events[version].recorded_at)->version == Version(version));
    }
}

TEST_CASE("snapshot: of a repository that remembers fewer commands is ignored",
          "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    RepositoryOptions options = every(world, 3);
    options.commands_remembered = 1;
    Repository<Account> forgetful(world.store(), options);
    must(forgetful, "1", Open{"ann"});
    const auto first = must(forgetful, "1", Deposit{1}, {.command_id = "a"});
    must(forgetful, "1", Deposit{1}, {.command_id = "b"});
    REQUIRE(snapshot_version(world) == Version(2));
    Repository<Account> accounts(world.store(), every(world, 3));
    const auto again = must(accounts, "1", Deposit{1}, {.command_id = "a"});
    REQUIRE(again.receipt->repeated);
    CHECK(again.receipt->version == first.receipt->version);
    CHECK(accounts.stats().snapshots_ignored == 1);
    // The other way round it fits: it holds more than enough.
    Repository<Account> forgetful_again(world.store(), options);
    REQUIRE(forgetful_again.load("1"));
    CHECK(forgetful_again.stats().snapshots_used == 1);
    CHECK_FALSE(must(forgetful_again, "1", Deposit{1}, {.command_id = "a"}).receipt->repeated);
}

TEST_CASE("snapshot: other events, or others skipped, give another fingerprint",
          "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    RepositoryOptions options = every(world, 1);
    options.unknown_events = UnknownEvents::skip;
    Repository<CountOf<Opened>> one(world.store(), options);
    world.append("account-1", "Opened", R"({"owner":"ann"})");
    world.append("account-1", "Deposited", R"({"cents":1})");
    world.append("account-1", "Opened", R"({"owner":"bob"})");
    REQUIRE(one.load("1")->state.events == 2);
    REQUIRE(snapshot_version(world) == Version(2));
    Repository<CountOf<Opened, Deposited>> both(world.store(), options);
    CHECK(both.load("1")->state.events == 3);
    REQUIRE(one.load("1")->state.events == 2);
    options.unknown_events = UnknownEvents::fail;
    Repository<CountOf<Opened>> strict(world.store(), options);
    CHECK(strict.load("1").error().code == Errc::malformed);
}

TEST_CASE("snapshot: one that is too large fails nothing", "[cqrs]") {
    World world("memory");
    RepositoryOptions options = every(world, 2);
    options.cached_aggregates = 1;
    Repository<Hoard> hoards(world.store(), options);
    for (int i = 0; i < 6; ++i) {
        world.append("account-1", "Opened", R"({"owner":"ann"})");
        REQUIRE(hoards.load("1"));
    }
    CHECK(snapshot_version(world) == Version(1));  // the next would have 4 MiB and more
    CHECK(hoards.stats().snapshots_failed == 2);
    REQUIRE(hoards.load("1"));
    CHECK(hoards.stats().snapshots_failed == 2);
}

TEST_CASE("snapshot: nothing of an erased event stays in it", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> accounts(world.store(), every(world, 10));
    fill(world, accounts);
    REQUIRE(snapshot_version(world) == Version(9));
    REQUIRE(world.store().change_stream(
        {"account-1", Expected::stream_exists(), EraseEvent{Version(5)}}));
    CHECK_FALSE(snapshot_version(world));
    CHECK(accounts.load("1")->state.cents == 8);
    CHECK(accounts.load("1")->version == Version(9));
}

}  // namespace skald::cqrs
