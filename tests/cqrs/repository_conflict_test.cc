// Conflicts, repeats, and appends of which nobody knows what became (rules A2, A3).
#include "skald/cqrs/repository.h"
#include "tests/cqrs/account.h"
#include "tests/cqrs/repository_fixture.h"
#include "tests/cqrs/stores.h"

namespace skald::cqrs {
namespace {

using Call = FaultyEventStore::Call;
using std::chrono::microseconds;

// A store in whose appends somebody else is quicker, so many times.
class Overtaken final : public ForwardingStore {
  public:
    Overtaken(EventStore& inner, Repository<Account>& other)
        : ForwardingStore(inner), other_(other) {}
    unsigned times = 0;

    Result<Receipt> append(const Append& request) override {
        if (times > 0) {
            --times;
            const auto done = other_.execute("1", Deposit{100});
            REQUIRE(done);
        }
        return ForwardingStore::append(request);
    }

  private:
    Repository<Account>& other_;
};

Error lost() {
    return {Errc::outcome_unknown, "the connection was lost"};
}

}  // namespace

TEST_CASE("repository: a conflict reads the tail and decides again", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> other(world.store(), quiet(world));
    must(other, "1", Open{"ann"});
    must(other, "1", Deposit{10});

    Overtaken store(world.store(), other);
    std::vector<microseconds> waits;
    RepositoryOptions options = quiet(world);
    options.random = [] { return ~std::uint64_t{0}; };
    options.wait = [&](microseconds length) { waits.push_back(length); };
    Repository<Account> accounts(store, options);
    store.times = 3;
    // More than there is at first: decided again, on what came meanwhile.
    const auto done = must(accounts, "1", Exchange{150, 0});
    CHECK(done.attempts == 4);
    CHECK(done.state.cents == 10 + 300 - 150);
    CHECK(accounts.load("1")->state.cents == done.state.cents);
    CHECK(accounts.stats().conflicts == 3);
    CHECK(waits.size() == 3);
    // Two events at first, then one a conflict: never the whole stream again.
    CHECK(accounts.stats().events_folded == 2 + 3 + 7);
}

TEST_CASE("repository: a conflict can turn into a rejection", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> other(world.store(), quiet(world));
    must(other, "1", Open{"ann"});
    struct Spend final : ForwardingStore {
        using ForwardingStore::ForwardingStore;
        Repository<Account>* by = nullptr;
        Result<Receipt> append(const Append& request) override {
            if (Repository<Account>* now = std::exchange(by, nullptr)) {
                REQUIRE(now->execute("1", Withdraw{8}));
            }
            return ForwardingStore::append(request);
        }
    } spending(world.store());
    Repository<Account> slow(spending, quiet(world));
    must(other, "1", Deposit{10});
    spending.by = &other;
    const auto done = must(slow, "1", Withdraw{5});
    CHECK(done.attempts == 2);
    REQUIRE(done.rejection);
    CHECK(std::get<Overdrawn>(*done.rejection).missing == 3);
}

TEST_CASE("repository: attempts are bounded", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> other(world.store(), quiet(world));
    must(other, "1", Open{"ann"});
    Overtaken store(world.store(), other);
    RepositoryOptions options = quiet(world);
    options.conflict.attempts = 3;
    Repository<Account> accounts(store, options);
    store.times = 100;
    const auto done = accounts.execute("1", Deposit{1});
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Errc::wrong_expected_version);
    CHECK(store.times == 97);
}

TEST_CASE("repository: pauses grow and are drawn at random", "[cqrs]") {
    World world("memory");
    Repository<Account> other(world.store(), quiet(world));
    must(other, "1", Open{"ann"});
    Overtaken store(world.store(), other);
    std::vector<microseconds> waits;
    RepositoryOptions options = quiet(world);
    options.conflict = {6, microseconds(99), microseconds(299)};
    // The largest of 100, of 199 and of 300; then one between.
    options.random = [&] { return waits.size() < 3 ? 100 * 199 * 3 - 1 : 1000; };
    options.wait = [&](microseconds length) { waits.push_back(length); };
    Repository<Account> accounts(store, options);
    store.times = 4;
    must(accounts, "1", Deposit{1}, {.command_id = "c"});
    CHECK(waits == std::vector<microseconds>{microseconds(99), microseconds(198), microseconds(299),
                                             microseconds(100)});
}

TEST_CASE("repository: an exact expectation is not decided again", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> other(world.store(), quiet(world));
    must(other, "1", Open{"ann"});
    Overtaken store(world.store(), other);
    Repository<Account> accounts(store, quiet(world));

    const auto stale = accounts.execute("1", Deposit{1}, {.expected = Expected::exact(7)});
    REQUIRE_FALSE(stale);
    CHECK(stale.error().code == Errc::wrong_expected_version);
    CHECK(stale.error().conflicts == std::vector<Conflict>{{"account-1", "7", 0}});
    CHECK_FALSE(accounts.execute("1", Open{"bob"}, {.expected = Expected::no_stream()}));
    CHECK_FALSE(accounts.execute("2", Deposit{1}, {.expected = Expected::stream_exists()}));

    store.times = 1;
    const auto overtaken = accounts.execute("1", Deposit{1}, {.expected = Expected::exact(0)});
    REQUIRE_FALSE(overtaken);
    CHECK(overtaken.error().code == Errc::wrong_expected_version);
    CHECK(other.load("1")->state.cents == 100);
    must(accounts, "1", Deposit{1}, {.expected = Expected::exact(1)});
    store.times = 1;
    CHECK(must(accounts, "1", Deposit{1}, {.expected = Expected::stream_exists()}).attempts == 2);
}

TEST_CASE("repository: a repeated command gives the first receipt", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> accounts(world.store(), quiet(world));
    const auto opened = must(accounts, "1", Open{"ann"}, {.command_id = "open"});
    must(accounts, "1", Deposit{10});
    const auto first = must(accounts, "1", Exchange{5, 1}, {.command_id = "c-1"});
    must(accounts, "1", Deposit{10}, {.command_id = "c-2"});

    const auto again = must(accounts, "1", Exchange{5, 1}, {.command_id = "c-1"});
    REQUIRE(again.receipt);
    CHECK(again.accepted());
    CHECK(again.receipt->repeated);
    CHECK(again.receipt->version == first.receipt->version);
    CHECK(again.receipt->id == first.receipt->id);
    CHECK(again.receipt->offset == first.receipt->offset);
    CHECK(again.receipt->position == first.receipt->position);
    CHECK(again.attempts == 0);
    CHECK(again.events.empty());
    CHECK(again.state.cents == 16);
    // Even one that would be rejected by now, and with an expectation that no longer holds.
    const auto open =
        must(accounts, "1", Open{"ann"}, {.command_id = "open", .expected = Expected::no_stream()});
    CHECK(open.receipt->version == opened.receipt->version);
    CHECK(open.receipt->repeated);
    CHECK(world.events("account-1").size() == 5);
    // Another aggregate, another command.
    CHECK_FALSE(must(accounts, "2", Open{"bob"}, {.command_id = "open"}).receipt->repeated);
}

TEST_CASE("repository: the window of command ids", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    RepositoryOptions options = quiet(world);
    options.commands_remembered = 2;
    Repository<Account> accounts(world.store(), options);
    must(accounts, "1", Open{"ann"});
    must(accounts, "1", Deposit{1}, {.command_id = "a"});
    must(accounts, "1", Deposit{1});
    must(accounts, "1", Deposit{1}, {.command_id = "b"});
    CHECK(must(accounts, "1", Deposit{1}, {.command_id = "a"}).receipt->repeated);
    must(accounts, "1", Deposit{1}, {.command_id = "c"});
    CHECK(must(accounts, "1", Deposit{1}, {.command_id = "b"}).receipt->repeated);
    CHECK_FALSE(must(accounts, "1", Deposit{1}, {.command_id = "a"}).receipt->repeated);
}

TEST_CASE("repository: one command carried out by two at once", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> other(world.store(), quiet(world));
    must(other, "1", Open{"ann"});
    struct Twin final : ForwardingStore {
        using ForwardingStore::ForwardingStore;
        std::function<void()> before;
        Result<Receipt> append(const Append& request) override {
            if (auto now = std::exchange(before, nullptr)) {
                now();
            }
            return ForwardingStore::append(request);
        }
    } store(world.store());
    Repository<Account> accounts(store, quiet(world));

    std::optional<Receipt> first;
    store.before = [&] { first = must(other, "1", Deposit{7}, {.command_id = "c"}).receipt; };
    const auto same = must(accounts, "1", Deposit{7}, {.command_id = "c"});
    CHECK(same.receipt->repeated);
    CHECK(same.receipt->version == first->version);
    CHECK(same.state.cents == 7);

    // Decided differently, with more events: still one command.
    store.before = [&] { first = must(other, "1", Deposit{7}, {.command_id = "d"}).receipt; };
    const auto differs = must(accounts, "1", Exchange{1, 1}, {.command_id = "d"});
    CHECK(differs.receipt->repeated);
    CHECK(differs.receipt->version == first->version);
    CHECK(accounts.load("1")->state.cents == 14);

    // And not at the same version.
    store.before = [&] {
        must(other, "1", Deposit{1});
        first = must(other, "1", Deposit{7}, {.command_id = "e"}).receipt;
    };
    CHECK(must(accounts, "1", Deposit{7}, {.command_id = "e"}).receipt->version == first->version);
    CHECK(accounts.load("1")->state.cents == 22);
}

TEST_CASE("repository: an unknown outcome is asked for again", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> accounts(world.store(), quiet(world));
    must(accounts, "1", Open{"ann"});

    world.store().fail_after(Call::append, 1, lost());
    const auto written = must(accounts, "1", Deposit{3});
    CHECK(written.receipt->repeated);
    CHECK(written.state.cents == 3);
    world.store().fail_before(Call::append, 1, lost());
    const auto unwritten = must(accounts, "1", Deposit{4});
    CHECK_FALSE(unwritten.receipt->repeated);
    CHECK(accounts.load("1")->state.cents == 7);
    CHECK(accounts.load("1")->state.changes == 2);
}

TEST_CASE("repository: what stays unknown is answered so, and may be executed again",
          "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> accounts(world.store(), quiet(world));
    must(accounts, "1", Open{"ann"});
    for (std::uint64_t n = 1; n <= 4; ++n) {
        world.store().fail_after(Call::append, n, lost());
    }
    const auto unknown = accounts.execute("1", Deposit{3}, {.command_id = "c"});
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().code == Errc::outcome_unknown);
    CHECK(must(accounts, "1", Deposit{3}, {.command_id = "c"}).receipt->repeated);
    CHECK(accounts.load("1")->state.cents == 3);
}

TEST_CASE("repository: the store's errors come through", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> accounts(world.store(), quiet(world));
    must(accounts, "1", Open{"ann"});
    world.store().fail_before(Call::append, 1, {Errc::busy, "told to"});
    CHECK(accounts.execute("1", Deposit{3}).error().code == Errc::busy);
    world.store().fail_before(Call::read, 1, {Errc::unreachable, "told to"});
    CHECK(accounts.execute("1", Deposit{3}).error().code == Errc::unreachable);
    CHECK(accounts.load("1")->state.cents == 0);
    CHECK(accounts.execute("1", Open{std::string(300, 'a')}, {.command_id = std::string(256, 'c')})
              ->rejection);
    const auto too_long = accounts.execute("1", Deposit{3}, {.command_id = std::string(256, 'c')});
    REQUIRE_FALSE(too_long);
    CHECK(too_long.error().code == Errc::invalid_event);
}

TEST_CASE("repository: a command carried out anew writes events with ids of their own",
          "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    RepositoryOptions options = quiet(world);
    options.commands_remembered = 1;
    Repository<Account> accounts(world.store(), options);
    must(accounts, "1", Open{"ann"});
    must(accounts, "1", Deposit{1}, {.command_id = "a"});
    must(accounts, "1", Deposit{1}, {.command_id = "b"});
    REQUIRE_FALSE(must(accounts, "1", Deposit{1}, {.command_id = "a"}).receipt->repeated);
    const auto events = world.events("account-1");
    CHECK(events.at(3).id != events.at(1).id);
    CHECK(events.at(3).data == events.at(1).data);  // what it created is the same

    const auto copy = make_memory_store();
    for (const Event& event : events) {
        NewEvent made;
        made.type = event.type;
        made.data = event.data;
        made.id = event.id;
        Append append = Append::one(event.stream, made);
        append.check_ids = true;
        const auto receipt = copy->append(append);
        REQUIRE(receipt);
        CHECK_FALSE(receipt->repeated);
    }
}

TEST_CASE("repository: a repeat is found page by page", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    struct Narrow final : ForwardingStore {
        using ForwardingStore::ForwardingStore;
        Result<Page> read(const Read& request) override {
            Read narrow = request;
            narrow.bytes = 1;  // one event a page
            return ForwardingStore::read(narrow);
        }
    } store(world.store());
    Repository<Account> accounts(store, quiet(world));
    must(accounts, "1", Open{"ann"});
    const auto first = must(accounts, "1", Exchange{0, 5}, {.command_id = "c"});
    must(accounts, "1", Deposit{1});
    const auto again = must(accounts, "1", Exchange{0, 5}, {.command_id = "c"});
    CHECK(again.receipt->repeated);
    CHECK(again.receipt->version == first.receipt->version);
}

TEST_CASE("repository: a repeat of what was removed since says so", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    RepositoryOptions options = quiet(world);
    options.cached_aggregates = 1;
    Repository<Account> accounts(world.store(), options);
    must(accounts, "1", Open{"ann"});
    must(accounts, "1", Exchange{0, 5}, {.command_id = "c"});
    must(accounts, "1", Deposit{1});
    const Version erased(GENERATE(1U, 2U));
    REQUIRE(
        world.store().change_stream({"account-1", Expected::stream_exists(), EraseEvent{erased}}));
    const auto again = accounts.execute("1", Exchange{0, 5}, {.command_id = "c"});
    REQUIRE_FALSE(again);
    CHECK(again.error().code == Errc::log_truncated);
}

}  // namespace skald::cqrs
