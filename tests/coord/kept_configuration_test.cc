// Configuration on a store that goes wrong.
#include "coord/kept_configuration.h"

#include <catch2/catch.hpp>

#include "coord/limits.h"
#include "tests/coord/failing_coord.h"
#include "tests/coord/heard_settings.h"
#include "tests/coord/slow_call.h"
#include "tests/temp_directory.h"

namespace skald::coord {
namespace {

using Texts = std::vector<std::string>;

SettingDeclaration integer(const std::string& service) {
    SettingDeclaration declaration;
    declaration.service = service;
    declaration.key = "k";
    declaration.type = SettingType::integer;
    return declaration;
}

struct Desk {
    Desk() : kept(std::move(*open_coord(directory.path("coord")))), coord(*kept) {}
    Result<Revision> set(const std::string& value, const std::string& service = "s") {
        return config.set(service, "k", value, {"me", std::nullopt});
    }
    // By another program.
    void set_meanwhile(const std::string& service, const std::string& value) {
        REQUIRE(others.set(service, "k", value, {"other", std::nullopt}));
    }
    void declare_meanwhile(const std::string& service) {
        REQUIRE(others.declare(integer(service)));
    }
    Texts values() {
        Texts all;
        const auto changes = config.history("s", "k");
        REQUIRE(changes);
        for (const SettingChange& change : *changes) {
            all.push_back(change.value.value_or("-"));
        }
        return all;
    }

    const TempDirectory directory;
    ManualClock clock;
    std::unique_ptr<Coord> kept;
    FailingCoord coord;
    KeptConfiguration config{coord, clock};
    KeptConfiguration others{*kept, clock};
};

Error unknown() {
    return {Errc::outcome_unknown, "nobody knows"};
}
Error away() {
    return {Errc::unreachable, "away"};
}

}  // namespace

TEST_CASE("kept configuration: a race that was lost is run again", "[coord]") {
    Desk d;
    SECTION("another's value") {
        d.coord.instead([&](Coord& coord, const Txn& txn) {
            d.set_meanwhile("s", "theirs");
            return coord.txn(txn);
        });
        REQUIRE(d.set("mine"));
        CHECK(d.values() == Texts{"theirs", "mine"});
    }
    SECTION("another's value, where there should be none") {
        d.coord.instead([&](Coord& coord, const Txn& txn) {
            d.set_meanwhile("s", "theirs");
            return coord.txn(txn);
        });
        CHECK(d.config.set("s", "k", "mine", {"me", Revision{}}).error().code ==
              Errc::wrong_expected_version);
        CHECK(d.values() == Texts{"theirs"});
    }
    for (const std::string service : {"*", "s"}) {
        SECTION("a declaration of " + service) {
            d.coord.instead([&](Coord& coord, const Txn& txn) {
                d.declare_meanwhile(service);
                return coord.txn(txn);
            });
            CHECK(d.set("x").error().code == Errc::invalid_argument);
            CHECK(d.values().empty());
        }
        SECTION("a value, while it is declared by " + service) {
            d.coord.instead([&](Coord& coord, const Txn& txn) {
                d.set_meanwhile("s", "x");
                return coord.txn(txn);
            });
            CHECK(d.config.declare(integer(service)).error().code == Errc::invalid_argument);
            CHECK(d.config.declarations(service)->empty());
        }
    }
    SECTION("always") {
        int tries = 0;
        std::function<Result<TxnResult>(Coord&, const Txn&)> again;
        again = [&](Coord& coord, const Txn& txn) {
            ++tries;
            d.set_meanwhile("other", "theirs");
            d.coord.instead(again);
            return coord.txn(txn);
        };
        d.coord.instead(again);
        CHECK(d.set("mine").error().code == Errc::busy);
        CHECK(tries == kSettingTriesMax);
        CHECK(d.values().empty());
    }
}

TEST_CASE("kept configuration: what ended as unknown is looked for", "[coord]") {
    Desk d;
    REQUIRE(d.set("0"));
    SECTION("it was done") {
        Revision done;
        d.coord.instead([&](Coord& coord, const Txn& txn) -> Result<TxnResult> {
            done = coord.txn(txn)->revision;
            return unknown();
        });
        const auto set = d.set("1");
        REQUIRE(set);
        CHECK(*set == done);
        CHECK(d.config.get("s", "k")->revision == done);
        CHECK(d.values() == Texts{"0", "1"});
    }
    SECTION("it was done, and another changed it since") {
        const Revision first = d.config.get("s", "k")->revision;
        d.coord.instead([&](Coord& coord, const Txn& txn) -> Result<TxnResult> {
            CHECK(coord.txn(txn)->succeeded);
            d.set_meanwhile("s", "2");
            return unknown();
        });
        const auto set = d.config.set("s", "k", "1", {"me", first});
        REQUIRE(set);
        CHECK(*set < d.config.get("s", "k")->revision);
        CHECK(d.values() == Texts{"0", "1", "2"});
    }
    SECTION("it was a removal") {
        d.coord.instead([&](Coord& coord, const Txn& txn) -> Result<TxnResult> {
            CHECK(coord.txn(txn)->succeeded);
            return unknown();
        });
        CHECK(d.config.remove("s", "k", {"me", std::nullopt}));
        CHECK(d.values() == Texts{"0", "-"});
    }
    SECTION("it was not done") {
        d.coord.instead([&](Coord&, const Txn&) { return unknown(); });
        REQUIRE(d.set("1"));
        CHECK(d.values() == Texts{"0", "1"});
    }
    SECTION("it is done later than the next attempt") {
        Txn late;
        d.coord.instead([&](Coord&, const Txn& txn) {
            late = txn;
            return unknown();
        });
        REQUIRE(d.set("1"));
        CHECK_FALSE(d.kept->txn(late)->succeeded);
        CHECK(d.values() == Texts{"0", "1"});
    }
    SECTION("it cannot be looked for") {
        d.coord.instead([&](Coord&, const Txn&) {
            d.coord.fail(away());
            return unknown();
        });
        CHECK(d.set("1").error() == unknown());
    }
    SECTION("another error is an answer") {
        d.coord.instead([&](Coord&, const Txn&) { return away(); });
        CHECK(d.set("1").error() == away());
        CHECK(d.values() == Texts{"0"});
    }
}

TEST_CASE("kept configuration: watches go on when the store was away", "[coord]") {
    Desk d;
    REQUIRE(d.set("1"));
    REQUIRE(d.config.set("s", "same", "0", {"me", std::nullopt}));
    HeardSettings heard;
    auto watch = d.config.watch("s", heard.handler());
    REQUIRE(watch);
    CHECK(heard.until("same=0") == Texts{"k=1", "same=0"});
    d.coord.fail(away());
    d.coord.end_watches(WatchEnd::lost);
    CHECK(heard.until("away") == Texts{"away"});
    d.set_meanwhile("s", "2");
    d.coord.fail(std::nullopt);
    CHECK(heard.until("back") == Texts{"k=2", "back"});
    d.coord.end_watches(WatchEnd::compacted);
    d.set_meanwhile("s", "3");
    CHECK(heard.until("k=3") == Texts{"k=3"});
    REQUIRE(d.config.remove("s", "same", {"me", std::nullopt}));
    CHECK(heard.until("-same") == Texts{"-same"});
}

TEST_CASE("kept configuration: errors of the store are those of its calls", "[coord]") {
    Desk d;
    d.coord.fail(away());
    CHECK(d.set("1").error() == away());
    CHECK(d.config.get("s", "k").error() == away());
    CHECK(d.config.list("s").error() == away());
    CHECK(d.config.declarations("s").error() == away());
    CHECK(d.config.history("s", "k").error() == away());
    CHECK(d.config.watch("s", {}).error() == away());
}

TEST_CASE("kept configuration: a watch without handlers, and handlers that call back", "[coord]") {
    Desk d;
    REQUIRE(d.set("1"));
    auto silent = d.config.watch("s", {});
    REQUIRE(silent);
    std::promise<std::string> seen;
    SettingsHandler handler;
    handler.on_change = [&](const std::string& key, const std::optional<Setting>& setting) {
        if (setting->value == "1") {
            (void)d.config.set("s", key, "2", {"me", setting->revision});
        } else {
            seen.set_value(d.config.get("s", key)->value);
        }
    };
    auto watch = d.config.watch("s", handler);
    REQUIRE(watch);
    CHECK(seen.get_future().get() == "2");
}

TEST_CASE("kept configuration: the end of a watch waits for its call", "[coord]") {
    Desk d;
    REQUIRE(d.set("1"));
    SlowCall call;
    SettingsHandler handler;
    handler.on_change = [&](const std::string&, const std::optional<Setting>&) { call.run(); };
    auto watch = d.config.watch("s", handler);
    REQUIRE(watch);
    CHECK(call.is_waited_for_by([&] { watch->reset(); }));
}

}  // namespace skald::coord
