#include "skald/cqrs/repository.h"

#include "tests/cqrs/account.h"
#include "tests/cqrs/stores.h"

namespace skald::cqrs {
namespace {

using Call = FaultyEventStore::Call;

RepositoryOptions quiet(World& world) {
    RepositoryOptions options;
    options.category = "account";
    options.clock = &world.clock();
    options.wait = [](std::chrono::microseconds) {};
    return options;
}

template <typename State, typename Command>
Outcome<State> must(Repository<State>& repository, const std::string& id, const Command& command,
                    const ExecuteOptions& options = {}) {
    auto done = repository.execute(id, command, options);
    INFO((done ? "" : done.error().message));
    REQUIRE(done);
    return std::move(*done);
}

}  // namespace

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

}  // namespace skald::cqrs
