#include "sim/ledger.h"

#include <catch2/catch.hpp>

namespace skald::sim {
namespace {

Log log_of(const std::vector<EventId>& events, Epoch epoch = Epoch{1}) {
    Log log;
    for (const EventId event : events) {
        log.append(log.make(epoch, {event}));
    }
    return log;
}

}  // namespace

TEST_CASE("ledger: what nodes commit is the same, and each event once") {
    Ledger ledger;
    const Log log = log_of({1, 2, 3});
    ledger.committed(log, Offset{2});
    ledger.committed(log, Offset{1});
    ledger.committed(log, Offset{3});
    CHECK(ledger.violation() == std::nullopt);
    SECTION("another log") {
        ledger.committed(log_of({1, 4, 3}), Offset{3});
        CHECK(ledger.violation());
    }
    SECTION("twice the same event") {
        ledger.committed(log_of({1, 2, 3, 2}), Offset{4});
        CHECK(ledger.violation());
    }
}

TEST_CASE("ledger: what was acknowledged is committed at its offset") {
    Ledger ledger;
    ledger.committed(log_of({1, 2}), Offset{2});
    ledger.acknowledged(2, Offset{1});
    CHECK(ledger.violation() == std::nullopt);
    CHECK(ledger.acknowledged_below() == Offset{2});
    SECTION("elsewhere") {
        ledger.acknowledged(1, Offset{1});
    }
    SECTION("nowhere") {
        ledger.acknowledged(3, Offset{2});
    }
    CHECK(ledger.violation());
}

TEST_CASE("ledger: what was refused never appears, nor before what it was refused for") {
    Ledger ledger;
    ledger.committed(log_of({1}), Offset{1});
    ledger.refused(2, 0);
    CHECK(ledger.violation() == std::nullopt);
    SECTION("it appears") {
        ledger.committed(log_of({1, 2}), Offset{2});
    }
    SECTION("it was there") {
        ledger.refused(1, 0);
    }
    SECTION("for what is not there") {
        ledger.refused(3, 1);
    }
    CHECK(ledger.violation());
}

TEST_CASE("ledger: an epoch has one opener, whose log has all that is committed") {
    Ledger ledger;
    const Member one{{}, 1};
    const Member two{{}, 2};
    ledger.committed(log_of({1, 2}), Offset{2});
    ledger.opened(Epoch{2}, one, log_of({1, 2, 3}));
    CHECK(ledger.violation() == std::nullopt);
    SECTION("twice") {
        ledger.opened(Epoch{2}, two, log_of({1, 2, 3}));
    }
    SECTION("too short") {
        ledger.opened(Epoch{3}, two, log_of({1}));
    }
    SECTION("another") {
        ledger.opened(Epoch{3}, two, log_of({1, 4, 5}));
    }
    CHECK(ledger.violation());
}

TEST_CASE("ledger: a read sees what was acknowledged before it began") {
    Ledger ledger;
    ledger.read(Offset{2}, Offset{2});
    CHECK(ledger.violation() == std::nullopt);
    CHECK(ledger.reads() == 1);
    ledger.read(Offset{2}, Offset{1});
    CHECK(ledger.violation());
}

}  // namespace skald::sim
