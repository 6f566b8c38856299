#include "skald/cqrs/decider.h"

#include <catch2/catch.hpp>

#include "tests/cqrs/account.h"

namespace skald::cqrs {

TEST_CASE("decider: a decision is events or a rejection", "[cqrs]") {
    const Context context{"account-1", Time{5}, Uuid{{1}}};
    const auto rejected = decide(Account{}, Withdraw{5}, context);
    REQUIRE(rejected.rejected());
    CHECK(std::holds_alternative<NotOpen>(rejected.rejection()));

    const auto accepted = decide(Account{"ann", 10, 0}, Exchange{3, 4}, context);
    REQUIRE_FALSE(accepted.rejected());
    REQUIRE(accepted.events().size() == 2);
    CHECK(std::get<Withdrawn>(accepted.events()[0]).cents == 3);
    CHECK(std::get<Deposited>(accepted.events()[1]).cents == 4);

    CHECK(decide(Account{}, Audit{}, context).events().empty());
}

TEST_CASE("decider: both ways to write evolve", "[cqrs]") {
    Account account;
    evolve(account, Opened{"ann"});
    evolve(account, Deposited{10, ""});
    evolve(account, Withdrawn{3});
    CHECK(account.owner == "ann");
    CHECK(account.cents == 7);
    CHECK(account.changes == 2);
}

TEST_CASE("decider: ids of a context depend on the command and the number alone", "[cqrs]") {
    const Context one{"a", Time{5}, Uuid{{1}}};
    const Context again{"b", Time{6}, Uuid{{1}}};
    const Context other{"a", Time{5}, Uuid{{2}}};
    CHECK(one.id(3) == again.id(3));
    CHECK(one.id(3) != one.id(4));
    CHECK(one.id(3) != other.id(3));
}

}  // namespace skald::cqrs
