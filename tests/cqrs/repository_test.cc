#include "skald/cqrs/repository.h"

#include "tests/cqrs/account.h"
#include "tests/cqrs/repository_fixture.h"
#include "tests/cqrs/stores.h"

namespace skald::cqrs {
TEST_CASE("repository: commands change what is loaded", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> accounts(world.store(), quiet(world));
    CHECK_FALSE(accounts.load("1")->exists());

    const auto opened = must(accounts, "1", Open{"ann"});
    REQUIRE(opened.receipt);
    CHECK(opened.receipt->stream == "account-1");
    CHECK(opened.receipt->version == Version(0));
    CHECK_FALSE(opened.receipt->repeated);
    CHECK(must(accounts, "1", Deposit{10}).state.cents == 10);
    CHECK(must(accounts, "1", Exchange{4, 1}).receipt->version == Version(3));

    const auto loaded = accounts.load("1");
    REQUIRE(loaded);
    CHECK(loaded->version == Version(3));
    CHECK(loaded->state.owner == "ann");
    CHECK(loaded->state.cents == 7);
}

TEST_CASE("repository: a rejection is a value, and writes nothing", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> accounts(world.store(), quiet(world));
    CHECK(std::holds_alternative<NotOpen>(*must(accounts, "1", Withdraw{1}).rejection));
    must(accounts, "1", Open{"ann"});
    const auto overdrawn = must(accounts, "1", Withdraw{5});
    CHECK_FALSE(overdrawn.accepted());
    CHECK_FALSE(overdrawn.receipt);
    CHECK(std::get<Overdrawn>(*overdrawn.rejection).missing == 5);
    const auto audited = must(accounts, "1", Audit{});
    CHECK(audited.accepted());
    CHECK_FALSE(audited.receipt);
    CHECK(world.events("account-1").size() == 1);
}

TEST_CASE("repository: what a command says about itself is stored with its events",
          "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> accounts(world.store(), quiet(world));
    ExecuteOptions options;
    options.command_id = "c-1";
    options.correlation_id = "flow";
    options.causation_id = "cause";
    options.trace_context = "00-trace";
    options.hop = 3;
    options.tags = {"owner:ann"};
    options.metadata = {{"user", "ann"}};
    must(accounts, "1", Open{"ann"}, options);
    const Event event = world.events("account-1").at(0);
    CHECK(event.command_id == "c-1");
    CHECK(event.correlation_id == "flow");
    CHECK(event.causation_id == "cause");
    CHECK(event.trace_context == "00-trace");
    CHECK(event.hop == 3);
    CHECK(event.tags == options.tags);
    CHECK(event.metadata == options.metadata);
    CHECK(event.schema_version == 1);
}

TEST_CASE("repository: long streams are read page by page", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> accounts(world.store(), quiet(world));
    must(accounts, "1", Open{"ann"});
    std::vector<NewEvent> many(2500, *to_new_event(Deposited{1, ""}));
    REQUIRE(world.store().append(Append::many("account-1", many)));
    const auto loaded = accounts.load("1");
    CHECK(loaded->state.cents == 2500);
    CHECK(loaded->version == Version(2500));
    CHECK(must(accounts, "1", Withdraw{2500}).accepted());
}

TEST_CASE("repository: a state at any version", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> accounts(world.store(), quiet(world));
    must(accounts, "1", Open{"ann"});
    must(accounts, "1", Deposit{10});
    must(accounts, "1", Withdraw{4});
    CHECK(accounts.load_at("1", Version(0))->state.owner == "ann");
    CHECK(accounts.load_at("1", Version(1))->state.cents == 10);
    CHECK(accounts.load_at("1", Version(1))->version == Version(1));
    CHECK(accounts.load_at("1", Version(2))->state.cents == 6);
    CHECK(accounts.load_at("1", Version(3)).error().code == Errc::not_found);
    CHECK(accounts.load_at("2", Version(0)).error().code == Errc::not_found);
}

TEST_CASE("repository: a state at any time", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> accounts(world.store(), quiet(world));
    must(accounts, "1", Open{"ann"});
    world.clock().advance(std::chrono::seconds(10));
    must(accounts, "1", Deposit{10});
    world.clock().advance(std::chrono::seconds(10));
    must(accounts, "1", Withdraw{4});
    const auto events = world.events("account-1");
    const auto at = [&](Time time) { return accounts.load_at("1", time); };
    CHECK_FALSE(at(Time{events[0].recorded_at.us - 1})->exists());
    CHECK(at(events[0].recorded_at)->version == Version(0));
    CHECK(at(events[1].recorded_at)->state.cents == 10);
    CHECK(at(Time{events[2].recorded_at.us - 1})->state.cents == 10);
    CHECK(at(Time{events[2].recorded_at.us + 1})->state.cents == 6);
}

TEST_CASE("repository: a deleted aggregate starts anew", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    RepositoryOptions options = quiet(world);
    options.cached_aggregates = GENERATE(0, 10);
    options.snapshot.events = GENERATE(0, 1);
    Repository<Account> accounts(world.store(), options);
    must(accounts, "1", Open{"ann"});
    must(accounts, "1", Deposit{10});
    REQUIRE(accounts.load("1"));
    REQUIRE(world.store().change_stream({"account-1", Expected::stream_exists(), DeleteStream{}}));
    CHECK_FALSE(accounts.load("1")->exists());
    CHECK(must(accounts, "1", Open{"bob"}).receipt->version == Version(2));
    CHECK(must(accounts, "1", Deposit{3}).state.cents == 3);
    CHECK(accounts.load("1")->state.owner == "bob");

    REQUIRE(
        world.store().change_stream({"account-1", Expected::stream_exists(), DeleteStream{true}}));
    CHECK(accounts.load("1").error().code == Errc::stream_tombstoned);
}

TEST_CASE("repository: events that no read gives any more still count", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    RepositoryOptions options = quiet(world);
    options.cached_aggregates = GENERATE(0, 10);
    Repository<Account> accounts(world.store(), options);
    must(accounts, "1", Open{"ann"});
    must(accounts, "1", Deposit{10});
    must(accounts, "1", Deposit{5});
    REQUIRE(world.store().change_stream(
        {"account-1", Expected::stream_exists(), EraseEvent{Version(2)}}));
    const auto done = must(accounts, "1", Deposit{1});
    CHECK(done.receipt->version == Version(3));
    CHECK(done.state.cents == 11);
    REQUIRE(world.store().change_stream(
        {"account-1", Expected::stream_exists(), TruncateStream{Version(4)}}));
    CHECK(must(accounts, "1", Open{"eve"}).receipt->version == Version(4));
}

TEST_CASE("repository: an event that does not decode stops the load and says where",
          "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> accounts(world.store(), quiet(world));
    must(accounts, "1", Open{"ann"});
    world.append("account-1", "Deposited", R"({"cents":"ten"})");
    const auto broken = accounts.load("1");
    REQUIRE_FALSE(broken);
    CHECK(broken.error().code == Errc::malformed);
    CHECK(broken.error().message ==
          "stream account-1 version 1: event Deposited (schema version 1): field cents: expected "
          "an integer of 64 bits, found \"ten\"");

    world.append("account-2", "Opened", R"({"owner":"ann"})", 9);
    const auto newer = accounts.load("2");
    REQUIRE_FALSE(newer);
    CHECK(newer.error().code == Errc::unsupported_version);
}

TEST_CASE("repository: an event of an unknown type fails the load, or is skipped",
          "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    RepositoryOptions options = quiet(world);
    Repository<Account> strict(world.store(), options);
    options.unknown_events = UnknownEvents::skip;
    Repository<Account> lenient(world.store(), options);
    must(strict, "1", Open{"ann"});
    world.append("account-1", "Audited", "{}");
    const auto unknown = strict.load("1");
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().message ==
          "stream account-1 version 1: event Audited (schema version 1): expected one of the types "
          "Opened, Deposited, Withdrawn");
    CHECK(must(lenient, "1", Deposit{1}).receipt->version == Version(2));
}

TEST_CASE("repository: an erased last event is no conflict", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    RepositoryOptions options = quiet(world);
    options.cached_aggregates = GENERATE(0, 10);
    options.conflict.attempts = 1;
    Repository<Account> accounts(world.store(), options);
    must(accounts, "1", Open{"ann"});
    must(accounts, "1", Deposit{10});
    must(accounts, "1", Deposit{5});
    REQUIRE(world.store().change_stream(
        {"account-1", Expected::stream_exists(), EraseEvent{Version(2)}}));
    // What is read ends at 1, the stream at 2: the caller may know either.
    const auto expected =
        GENERATE(std::optional<Expected>(), Expected::exact(1), Expected::exact(2));
    const auto done = must(accounts, "1", Deposit{1}, {.expected = expected});
    CHECK(done.attempts == 1);
    CHECK(done.receipt->version == Version(3));
    CHECK(done.state.cents == 11);
    CHECK(accounts.load("1")->state.cents == 11);
    const auto stale = accounts.execute("1", Deposit{1}, {.expected = expected});
    CHECK(stale.has_value() == !expected);
}

TEST_CASE("repository: what comes while the version is asked for is not overlooked",
          "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Account> other(world.store(), quiet(world));
    must(other, "1", Open{"ann"});
    must(other, "1", Deposit{10});
    must(other, "1", Deposit{5});
    REQUIRE(world.store().change_stream(
        {"account-1", Expected::stream_exists(), EraseEvent{Version(2)}}));
    struct Asked final : ForwardingStore {
        using ForwardingStore::ForwardingStore;
        std::function<void()> first;
        Result<StreamInfo> stream_info(std::string_view stream) override {
            if (auto now = std::exchange(first, nullptr)) {
                now();
            }
            return ForwardingStore::stream_info(stream);
        }
    } store(world.store());
    store.first = [&] { must(other, "1", Withdraw{8}); };
    Repository<Account> accounts(store, quiet(world));
    const auto done = must(accounts, "1", Withdraw{5});
    CHECK_FALSE(store.first);
    REQUIRE(done.rejection);
    CHECK(std::get<Overdrawn>(*done.rejection).missing == 3);
}

}  // namespace skald::cqrs
