// Hot aggregates: quicker, and never older than the stream.
#include "skald/cqrs/repository.h"
#include "tests/cqrs/account.h"
#include "tests/cqrs/repository_fixture.h"
#include "tests/cqrs/stores.h"

namespace skald::cqrs {
namespace {

RepositoryOptions caching(World& world, std::size_t aggregates) {
    RepositoryOptions options = quiet(world);
    options.cached_aggregates = aggregates;
    return options;
}

// Counts how often it is copied.
struct Copied {
    static inline int copies = 0;
    Copied() = default;
    Copied(const Copied&) { ++copies; }
    Copied(Copied&&) = default;
    Copied& operator=(const Copied&) = delete;
    Copied& operator=(Copied&&) = default;
    using Events = EventList<Opened, Deposited, Withdrawn>;
    void evolve(const Opened&) {}
    void evolve(const Deposited&) {}
    void evolve(const Withdrawn&) {}
};

}  // namespace

TEST_CASE("cache: what is in it is not folded again", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> accounts(world.store(), caching(world, 2));
    must(accounts, "1", Open{"ann"});
    must(accounts, "1", Deposit{1});
    CHECK(accounts.load("1")->state.cents == 1);
    CHECK(accounts.load("1")->version == Version(1));
    CHECK(accounts.stats().events_folded == 0);
    CHECK(accounts.stats().cache_hits == 3);
}

TEST_CASE("cache: what others appended is seen", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> accounts(world.store(), caching(world, 2));
    Repository<Account> other(world.store(), quiet(world));
    must(accounts, "1", Open{"ann"});
    must(other, "1", Deposit{5});
    CHECK(accounts.load("1")->state.cents == 5);
    must(other, "1", Withdraw{5});
    CHECK(must(accounts, "1", Withdraw{1}).rejection);
    CHECK(accounts.stats().conflicts == 0);
}

TEST_CASE("cache: a caller's copy is its own", "[cqrs]") {
    World world("memory");
    Repository<Account> accounts(world.store(), caching(world, 2));
    must(accounts, "1", Open{"ann"});
    auto mine = accounts.load("1");
    mine->state.cents = 1000;
    CHECK(accounts.load("1")->state.cents == 0);
}

TEST_CASE("cache: what was not used for longest goes", "[cqrs]") {
    World world("memory");
    Repository<Account> accounts(world.store(), caching(world, 2));
    must(accounts, "1", Open{"ann"});
    must(accounts, "2", Open{"bob"});
    REQUIRE(accounts.load("1"));
    must(accounts, "3", Open{"eve"});
    const auto hits = [&](const std::string& id) {
        const auto before = accounts.stats().cache_hits;
        REQUIRE(accounts.load(id));
        return accounts.stats().cache_hits - before;
    };
    CHECK(hits("1") == 1);
    CHECK(hits("3") == 1);
    CHECK(hits("2") == 0);
    CHECK(hits("1") == 0);
}

TEST_CASE("cache: repeats are found in it", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> accounts(world.store(), caching(world, 2));
    must(accounts, "1", Open{"ann"}, {.command_id = "c"});
    CHECK(must(accounts, "1", Open{"ann"}, {.command_id = "c"}).receipt->repeated);
    CHECK(accounts.stats().events_folded == 0);
}

TEST_CASE("cache: a hit copies once, and once more when it was behind", "[cqrs]") {
    World world("memory");
    Repository<Copied> hot(world.store(), caching(world, 1));
    Repository<Account> other(world.store(), quiet(world));
    must(other, "1", Open{"ann"});
    REQUIRE(hot.load("1"));
    const auto copies = [&] {
        Copied::copies = 0;
        REQUIRE(hot.load("1"));
        return Copied::copies;
    };
    CHECK(copies() == 1);
    must(other, "1", Deposit{1});
    CHECK(copies() == 2);
    CHECK(copies() == 1);
}

}  // namespace skald::cqrs
