#include "skald/cqrs/projection_testing.h"

#include "tests/cqrs/balances.h"

namespace skald::cqrs {

TEST_CASE("projection kit: rows as expected, and where they differ", "[cqrs]") {
    const auto given = [] {
        return project(balances().build())
            .given("a-2", Opened{"bob"})
            .given("a-1", Opened{"ann"}, Deposited{500, "rent"}, Withdrawn{200});
    };
    CHECK(given().then(Balance{"a-1", "ann", 300, 2, "rent"}, Balance{"a-2", "bob", 0, 0, {}}));
    const Verdict wrong =
        given().then(Balance{"a-1", "ann", 301, 2, "rent"}, Balance{"a-2", "bob", 0, 0, {}});
    CHECK_FALSE(wrong);
    CHECK_THAT(wrong.text(), Catch::Contains("Deposited {\"cents\":500") &&
                                 Catch::Contains("1. Balance.cents: expected 301, came 300"));
    CHECK_FALSE(given().then(Balance{"a-1", "ann", 300, 2, "rent"}));
    CHECK_FALSE(given().then_nothing());
    CHECK(project(balances().build()).then_nothing());
}

TEST_CASE("projection kit: failures as expected", "[cqrs]") {
    const auto given = [] {
        return project(balances().build())
            .given("a-1", Opened{"ann"}, Deposited{1, "rent"})
            .given("a-2", Opened{"bob"}, Deposited{1, "rent"});
    };
    CHECK(given().then_fails("another row has the same note"));
    CHECK_THAT(given().then_fails("something else").text(),
               Catch::Contains("it fails: something else") && Catch::Contains("the same note"));
    CHECK_THAT(given().then_nothing().text(), Catch::Contains("stream a-2 version 1"));
    CHECK_FALSE(project(balances().build()).given("a-1", Opened{"ann"}).then_fails("anything"));
}

}  // namespace skald::cqrs
