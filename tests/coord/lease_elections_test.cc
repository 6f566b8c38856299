// What elections do while the store is hard to reach, and over its restarts.
#include "coord/lease_elections.h"

#include <catch2/catch.hpp>

#include "coord/limits.h"
#include "tests/await.h"
#include "tests/coord/elections_seen.h"
#include "tests/coord/failing_coord.h"
#include "tests/coord/local_factory.h"

namespace skald::coord {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

const Error kAway{Errc::connection_lost, "the store is away"};

// Elections over a line that may fail.
struct Desk {
    std::unique_ptr<Candidacy> campaign(const std::string& value,
                                        std::chrono::milliseconds ttl = 10s) {
        CampaignOptions options;
        options.value = value;
        options.ttl = ttl;
        auto candidacy = elections->campaign("main", options);
        REQUIRE(candidacy);
        return std::move(*candidacy);
    }
    std::unique_ptr<Candidacy> leading(const std::string& value) {
        auto candidacy = campaign(value);
        REQUIRE(candidacy->await(60s));
        return candidacy;
    }
    Texts log() const { return log_of(*elections); }
    // All that this process had; of the store only the files.
    void restart() {
        elections.reset();
        line.reset();
        store.reset();
        store = factory.open();
        line = std::make_unique<FailingCoord>(*store);
        elections = open_elections(*line);
    }

    LocalFactory factory;
    std::unique_ptr<Coord> store = factory.open();
    std::unique_ptr<FailingCoord> line = std::make_unique<FailingCoord>(*store);
    std::unique_ptr<Elections> elections = open_elections(*line);
};

}  // namespace

TEST_CASE("lease elections: what is not answered is looked for", "[coord]") {
    Desk d;
    d.line->lose_answers();
    Texts wanted;
    auto one = d.leading("c0");
    for (int i = 1; i <= 20; ++i) {
        const std::string term = std::to_string(i) + " c" + std::to_string(i - 1);
        auto next = d.campaign("c" + std::to_string(i));
        if (i % 2 == 0) {
            CHECK(one->resign());
            wanted.push_back(term + " resigned");
        } else {
            CHECK(d.elections->dismiss("main", "op", "why"));
            wanted.push_back(term + " dismissed");
        }
        REQUIRE(next->await(60s));
        one = std::move(next);
    }
    wanted.emplace_back("21 c20");
    CHECK(d.log() == wanted);
}

TEST_CASE("lease elections: go on when watches end", "[coord]") {
    const auto why = GENERATE(WatchEnd::lost, WatchEnd::compacted);
    Desk d;
    HeardTerms heard;
    auto observation = d.elections->observe("main", heard.handler());
    auto a = d.leading("a");
    heard.wait_for(1);
    auto b = d.campaign("b");
    d.line->end_watches(why);
    end_lease(*d.store, "a");
    CHECK(b->await(60s)->term == 2);
    await([&] { return !a->leading(); });
    CHECK(heard.wait_for(3) == Texts{"1 a", "1 a lost", "2 b"});
    d.line->end_watches(why);
    REQUIRE(b->resign());
    CHECK(heard.wait_for(4).back() == "2 b resigned");
}

TEST_CASE("lease elections: go on when the store is there again", "[coord]") {
    Desk d;
    HeardTerms heard;
    auto observation = d.elections->observe("main", heard.handler());
    auto a = d.leading("a");
    auto b = d.campaign("b");
    auto c = d.campaign("c");
    heard.wait_for(1);
    d.line->fail(kAway);
    d.line->end_watches(WatchEnd::lost);
    CHECK(a->leading());  // its lease lives
    CHECK(c->resign().error().code == Errc::connection_lost);
    CHECK(c->resign().error().code == Errc::not_found);
    CHECK(d.elections->log("main").error().code == Errc::connection_lost);
    CHECK(d.elections->names().error().code == Errc::connection_lost);
    CHECK(d.elections->observe("main", heard.handler()).error().code == Errc::connection_lost);
    CHECK(d.elections->campaign("main", {"d"}).error().code == Errc::connection_lost);
    end_lease(*d.store, "a");
    d.line->fail(std::nullopt);
    CHECK(b->await(60s)->term == 2);
    await([&] { return !a->leading(); });
    CHECK(heard.wait_for(3) == Texts{"1 a", "1 a lost", "2 b"});
}

TEST_CASE("lease elections: a term never comes twice, over restarts too", "[coord]") {
    Desk d;
    auto a = d.leading("a");
    REQUIRE(a->resign());
    a = d.leading("b");
    d.line->fail(kAway);  // it dies
    a.reset();
    d.restart();
    auto c = d.campaign("c", 1h);
    CHECK((*d.elections->leader("main"))->value == "b");
    d.factory.pass(*d.store, 10s);
    CHECK(c->await(60s)->term == 3);
    c.reset();
    d.restart();
    CHECK(d.store->get(KeyRange::prefix("/elect/main/candidate/"), {})->entries.empty());
    const auto e = d.leading("e");
    CHECK(e->leading()->term == 4);
    CHECK(d.log() == Texts{"1 a resigned", "2 b lost", "3 c resigned", "4 e"});
}

TEST_CASE("lease elections: an observer that was away hears what it missed", "[coord]") {
    Desk d;
    HeardTerms heard;
    auto observation = d.elections->observe("main", heard.handler());
    auto a = d.leading("a");
    heard.wait_for(1);
    const auto others = open_elections(*d.store);
    d.line->fail(kAway);
    d.line->end_watches(WatchEnd::lost);
    end_lease(*d.store, "a");
    for (const char* value : {"b", "c"}) {
        auto other = others->campaign("main", {value});
        REQUIRE((*other)->await(60s));
    }
    d.line->fail(std::nullopt);
    CHECK(heard.wait_for(6) ==
          Texts{"1 a", "1 a lost", "2 b", "2 b resigned", "3 c", "3 c resigned"});
}

TEST_CASE("lease elections: an observer that cannot read the log tries again", "[coord]") {
    Desk d;
    HeardTerms heard;
    auto observation = d.elections->observe("main", heard.handler());
    auto a = d.leading("a");
    auto b = d.campaign("b");
    heard.wait_for(1);
    d.line->fail_next_get(kAway);
    end_lease(*d.store, "a");
    CHECK(heard.wait_for(3) == Texts{"1 a", "1 a lost", "2 b"});
}

TEST_CASE("lease elections: a campaign that cannot follow its election is none", "[coord]") {
    Desk d;
    d.line->instead([&](Coord& coord, const Txn& txn) {
        auto done = coord.txn(txn);
        d.line->fail(kAway);
        return done;
    });
    CHECK(d.elections->campaign("main", {"a"}).error() == kAway);
    d.line->fail(std::nullopt);
    REQUIRE(d.elections->candidates("main")->size() == 1);
    d.factory.pass(*d.store, 10s);
    await([&] { return d.elections->candidates("main")->empty(); });
    CHECK_FALSE(*d.elections->leader("main"));
}

TEST_CASE("lease elections: whose campaign is over follows it no more", "[coord]") {
    Desk d;
    auto a = d.leading("a");
    CHECK(d.line->watches_standing() == 1);
    REQUIRE(d.elections->dismiss("main", "op", "why"));
    await([&] { return d.line->watches_standing() == 0; });
    CHECK(a->resign().error().code == Errc::not_found);
}

TEST_CASE("lease elections: look when something changed, and seldom while the store is away",
          "[coord]") {
    Desk d;
    const auto busy = [&] {
        for (int i = 0; i < 2000; ++i) {
            REQUIRE(d.store->get(KeyRange::prefix("/elect/"), {}));
        }
    };
    auto a = d.leading("a");
    busy();
    CHECK(d.line->reads() <= 3);  // as it campaigns, claims and leads
    d.line->fail(kAway);
    d.line->end_watches(WatchEnd::lost);
    busy();
    CHECK(d.line->reads() <= 40);
    d.line->fail(std::nullopt);
}

TEST_CASE("lease elections: a lease is kept alive as often as is asked", "[coord]") {
    Desk d;
    CampaignOptions options;
    options.value = "a";
    options.ttl = 24h;
    options.heartbeat = kHeartbeatMin;
    const auto a = d.elections->campaign("main", options);
    await([&] { return d.line->kept_alive() >= 2; });
}

TEST_CASE("lease elections: so many may campaign, and no more", "[coord]") {
    Desk d;
    Txn txns[2];
    for (std::size_t i = 0; i < kCandidatesMax - 1; ++i) {
        const std::string key = "/elect/main/candidate/" + std::to_string(i);
        txns[i % 2].then.emplace_back(Put{key, R"({"value":"x"})", {}});
    }
    REQUIRE(d.store->txn(txns[0]));
    REQUIRE(d.store->txn(txns[1]));
    auto last = d.campaign("last");
    CHECK(d.elections->campaign("main", {"one more"}).error().code == Errc::busy);
    last.reset();
    last = d.campaign("last");
}

}  // namespace skald::coord
