#include "skald/cqrs/testing.h"

#include <catch2/catch.hpp>
#include <sstream>
#include <stdexcept>

#include "tests/cqrs/account.h"

namespace skald::cqrs {
namespace {

// Forgets to declare a field.
struct Moved {
    int from = 0;
    int to = 0;
    static auto describe() { return event<Moved>("Moved", 1).field("from", &Moved::from); }
};
struct Move {};
struct Blocked {
    int by = 0;
    bool operator==(const Blocked&) const = default;
};
struct Piece {
    using Events = EventList<Moved>;
    using Rejection = Blocked;
    int at = 0;
    void evolve(const Moved& moved) { at = moved.to; }
    Decision<Piece> decide(const Move&) const { return Blocked{at}; }
};

// The same, and can be compared.
struct Lifted {
    int from = 0;
    int to = 0;
    static auto describe() { return event<Lifted>("Lifted", 1).field("from", &Lifted::from); }
    bool operator==(const Lifted&) const = default;
};
struct Lost {
    using Events = EventList<Lifted>;
    using Rejection = Blocked;
    bool lifted = false;
    void evolve(const Lifted&) { lifted = true; }
    Decision<Lost> decide(const Move&) const { return Lifted{1, lifted ? 0 : 2}; }
};

}  // namespace

TEST_CASE("testing: what is as expected", "[cqrs]") {
    CHECK(given<Account>().when(Open{"ann"}).then(Opened{"ann"}));
    CHECK(given<Account>(Opened{"ann"}, Deposited{5, ""}).when(Withdraw{5}).then(Withdrawn{5}));
    CHECK(given<Account>().when(Exchange{1, 2}).then(Withdrawn{1}, Deposited{2, ""}));
    CHECK(given<Account>().when(Withdraw{5}).then_rejected(NotOpen{}));
    CHECK(given<Account>(Opened{"ann"}).when(Open{"bob"}).then_rejected(AlreadyOpen{}));
    CHECK(given<Account>(Opened{"ann"}).when(Withdraw{5}).then_rejected(Overdrawn{5}));
    CHECK(given<Account>().when(Audit{}).then_nothing());
    CHECK(given<Account>(Deposited{5, ""}).state().cents == 5);
    const Context context{"account-1", Time{1}, Uuid{{9}}};
    CHECK(given<Account>(Opened{"ann"})
              .when(Deposit{1}, context)
              .then(Deposited{1, to_string(context.id())}));
}

TEST_CASE("testing: a difference names the field", "[cqrs]") {
    const auto verdict =
        given<Account>(Opened{"ann"}, Deposited{9, ""}).when(Withdraw{5}).then(Withdrawn{6});
    CHECK_FALSE(verdict.ok());
    CHECK(verdict.text() ==
          "given\n"
          "    Opened {\"owner\":\"ann\"}\n"
          "    Deposited {\"cents\":9,\"note\":\"\"}\n"
          "when\n"
          "    Withdraw\n"
          "expected\n"
          "    Withdrawn {\"cents\":6}\n"
          "came\n"
          "    Withdrawn {\"cents\":5}\n"
          "difference\n"
          "    1. Withdrawn.cents: expected 6, came 5\n");
    std::ostringstream out;
    out << verdict;
    CHECK(out.str() == verdict.text());
    CHECK_THROWS_AS(must_hold(verdict), std::logic_error);
}

TEST_CASE("testing: too many events, too few, others", "[cqrs]") {
    const auto ends = [](const Verdict& verdict, const std::string& end) {
        INFO(verdict.text());
        return !verdict.ok() && verdict.text().ends_with("difference\n" + end);
    };
    const auto decided = given<Account>().when(Exchange{1, 2});
    CHECK(ends(decided.then(Withdrawn{1}), "    2. nothing was expected, came Deposited\n"));
    CHECK(ends(decided.then(Withdrawn{1}, Deposited{2, ""}, Opened{}),
               "    3. expected Opened, came nothing\n"));
    CHECK(ends(decided.then(Deposited{2, ""}, Withdrawn{1}),
               "    1. expected Deposited, came Withdrawn\n"
               "    2. expected Withdrawn, came Deposited\n"));
    CHECK(ends(decided.then_nothing(),
               "    1. nothing was expected, came Withdrawn\n"
               "    2. nothing was expected, came Deposited\n"));
    CHECK(ends(decided.then_rejected(NotOpen{}), "    it was to be rejected\n"));
    CHECK(ends(given<Account>().when(Withdraw{1}).then(Withdrawn{1}),
               "    it was not to be rejected\n"));
    CHECK(
        ends(given<Account>().when(Withdraw{1}).then_nothing(), "    it was not to be rejected\n"));
    CHECK(ends(given<Account>(Opened{"ann"}).when(Withdraw{1}).then_rejected(Overdrawn{2}),
               "    1. Overdrawn.missing: expected 2, came 1\n"));
}

TEST_CASE("testing: an undeclared field does not arrive", "[cqrs]") {
    CHECK(given<Piece>(Moved{1, 2}).when(Move{}).then_rejected(Blocked{0}));
    CHECK_FALSE(given<Piece>(Moved{1, 2}).when(Move{}).then_rejected(Blocked{2}));
}

TEST_CASE("testing: an event that cannot be written fails the test", "[cqrs]") {
    const auto verdict = given<Account>().when(Open{"\xff"}).then(Opened{"\xff"});
    CHECK_FALSE(verdict.ok());
    CHECK(verdict.text() == "Opened: text is not UTF-8\n");
}

TEST_CASE("testing: a decided event that its codec does not give back fails the test", "[cqrs]") {
    const auto verdict = given<Lost>().when(Move{}).then(Lifted{1, 2});
    CHECK_FALSE(verdict.ok());
    CHECK(verdict.text() ==
          "Lifted: comes back from the log as another value: is a field not declared?\n");
    CHECK(given<Lost>(Lifted{1, 0}).when(Move{}).then(Lifted{1, 0}));
}

}  // namespace skald::cqrs
