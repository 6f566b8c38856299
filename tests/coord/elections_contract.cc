#include "tests/coord/elections_contract.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <thread>

#include "skald/testing.h"
#include "tests/await.h"
#include "tests/coord/elections_seen.h"
#include "tests/coord/fenced_append.h"

namespace skald::coord {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

struct Desk {
    explicit Desk(CoordFactory& with)
        : factory(with), coord(with.open()), elections(open_elections(*coord)) {}

    std::unique_ptr<Candidacy> campaign(const CampaignOptions& options) const {
        auto candidacy = elections->campaign("main", options);
        REQUIRE(candidacy);
        return std::move(*candidacy);
    }
    std::unique_ptr<Candidacy> campaign(const std::string& value, std::int32_t priority = 0,
                                        bool preempt = false) const {
        return campaign(candidate(value, priority, preempt));
    }
    std::unique_ptr<Candidacy> leading(const std::string& value, std::int32_t priority = 0) const {
        auto candidacy = campaign(value, priority);
        REQUIRE(candidacy->await(60s));
        return candidacy;
    }
    Texts candidates() const {
        const auto all = elections->candidates("main");
        REQUIRE(all);
        Texts texts;
        for (const Leader& each : *all) {
            texts.push_back(each.value + (each.term == 0 ? "" : " leads"));
        }
        return texts;
    }
    std::string leader() const {
        const auto leader = elections->leader("main");
        REQUIRE(leader);
        return *leader ? (*leader)->value : "";
    }
    std::vector<Term> terms() const {
        auto terms = elections->log("main");
        REQUIRE(terms);
        return *terms;
    }
    Texts log() const { return log_of(*elections); }
    Errc refusal(const std::string& name, const CampaignOptions& options) const {
        const auto done = elections->campaign(name, options);
        return done ? Errc{} : done.error().code;
    }

    CoordFactory& factory;
    std::unique_ptr<Coord> coord;
    std::unique_ptr<Elections> elections;
};

void one_leads(Desk& d) {
    CHECK(d.leader().empty());
    CHECK(d.log().empty());
    CHECK(d.elections->names()->empty());
    auto first = d.campaign("a at \"tcp://h:1\"", 7);
    const auto led = first->await(60s);
    REQUIRE(led);
    CHECK(*led == Leader{"a at \"tcp://h:1\"", 7, 1, led->since});
    CHECK(led->since.us > 1'700'000'000'000'000);
    CHECK(first->leading() == *led);
    CHECK(*d.elections->leader("main") == *led);
    CHECK(*d.elections->candidates("main") == std::vector{*led});
    CHECK(d.terms() == std::vector{Term{*led, {}}});
    CHECK(*d.elections->names() == Texts{"main"});

    REQUIRE(first->resign());
    CHECK_FALSE(first->leading());
    CHECK(first->resign().error().code == Errc::not_found);
    CHECK(first->await(60s).error().code == Errc::not_found);
    CHECK(d.leader().empty());
    CHECK(d.candidates().empty());
    const auto terms = d.terms();
    REQUIRE(terms.size() == 1);
    CHECK(terms[0] == Term{*led, EndedTerm{TermEnd::resigned, {}, {}, terms[0].end->at}});
    CHECK(terms[0].end->at.us >= led->since.us);

    auto second = d.leading("b");
    CHECK(second->leading()->term == 2);
    first.reset();  // takes nothing from the second
    CHECK(second->leading());
    CHECK(d.terms()[0] == terms[0]);
    second.reset();
    CHECK(d.log() == Texts{"1 a at \"tcp://h:1\" resigned", "2 b resigned"});
    CHECK(*d.elections->names() == Texts{"main"});
}

void by_priority(Desk& d) {
    auto a = d.leading("a");
    auto b = d.campaign("b", 1);
    auto c = d.campaign("c", 5);
    auto e = d.campaign("e", 5);
    auto f = d.campaign("f", -1);
    CHECK(d.candidates() == Texts{"c", "e", "b", "a leads", "f"});
    CHECK(c->await(10ms).error().code == Errc::timed_out);
    REQUIRE(b->resign());  // without having led
    CHECK(d.candidates() == Texts{"c", "e", "a leads", "f"});
    for (auto* candidacy : {&a, &c, &e}) {
        REQUIRE((*candidacy)->await(60s));
        REQUIRE((*candidacy)->resign());
    }
    REQUIRE(f->await(60s));
    CHECK(d.log() == Texts{"1 a resigned", "2 c resigned", "3 e resigned", "4 f"});
}

void preempted(Desk& d) {
    auto a = d.leading("a", 3);
    auto same = d.campaign("same", 3, true);
    auto patient = d.campaign("patient", 9);
    auto b = d.campaign("b", 4, true);
    const auto led = b->await(60s);
    REQUIRE(led);
    await([&] { return !a->leading(); });
    CHECK(d.candidates() == Texts{"patient", "b leads", "a", "same"});
    const auto terms = d.terms();
    REQUIRE(terms.size() == 2);
    CHECK(*terms[0].end == EndedTerm{TermEnd::preempted, "b", {}, led->since});
    // It campaigns on.
    CHECK(a->await(10ms).error().code == Errc::timed_out);
    REQUIRE(patient->resign());
    REQUIRE(b->resign());
    CHECK(a->await(60s)->term == 3);
    CHECK(d.log() == Texts{"1 a preempted", "2 b resigned", "3 a"});
}

void dismissed(Desk& d) {
    CHECK(d.elections->dismiss("main", "op", "why").error().code == Errc::not_found);
    auto a = d.leading("a");
    auto b = d.campaign("b");
    REQUIRE(d.elections->dismiss("main", "op", "it hangs: \"always\""));
    CHECK(b->await(60s)->term == 2);
    await([&] { return !a->leading(); });
    CHECK(a->await(60s).error().code == Errc::not_found);
    CHECK(a->resign().error().code == Errc::not_found);
    CHECK(d.candidates() == Texts{"b leads"});
    const auto terms = d.terms();
    REQUIRE(terms.size() == 2);
    const EndedTerm end{TermEnd::dismissed, "op", "it hangs: \"always\"", terms[0].end->at};
    CHECK(terms[0].end == end);
    CHECK(end.at.us > 1'700'000'000'000'000);
    REQUIRE(b->resign());
    CHECK(d.elections->dismiss("main", "op", "why").error().code == Errc::not_found);
}

void lost_leases(Desk& d) {
    auto a = d.leading("a");
    end_lease(*d.coord, "a");
    await([&] { return !a->leading(); });
    CHECK(a->await(60s).error().code == Errc::not_found);
    CHECK(d.leader().empty());
    REQUIRE(d.terms().size() == 1);
    CHECK(d.terms()[0].end == EndedTerm{});
    auto b = d.leading("b");
    auto c = d.campaign("c", 9);
    end_lease(*d.coord, "c");
    CHECK(c->await(60s).error().code == Errc::not_found);
    CHECK(a->resign().error().code == Errc::not_found);
    const auto led = b->leading();
    REQUIRE(led);
    CHECK(d.terms() ==
          std::vector{Term{d.terms()[0].leader, EndedTerm{TermEnd::lost, {}, {}, led->since}},
                      Term{*led, {}}});
}

void unheard_of(Desk& d) {
    auto options = candidate("a");
    options.ttl = 1h;
    auto a = d.campaign(options);
    REQUIRE(a->await(60s));
    options = candidate("b");
    options.ttl = 24h;
    auto b = d.campaign(options);
    d.factory.pass(*d.coord, 1h);
    CHECK(b->await(60s)->term == 2);
    await([&] { return !a->leading(); });
    CHECK(d.log() == Texts{"1 a lost", "2 b"});
}

// By its own clock, which the store does not have.
void by_its_clock(Desk& d) {
    ManualClock clock;
    const auto elections = open_elections(*d.coord, clock);
    auto options = candidate("a");
    options.ttl = 24h;
    auto a = elections->campaign("main", options);
    REQUIRE(a);
    const auto led = (*a)->await(60s);
    REQUIRE(led);
    CHECK(led->since == clock.now());
    clock.advance(16h - 1us);
    CHECK((*a)->leading());
    clock.advance(1us);
    CHECK_FALSE((*a)->leading());
    CHECK((*a)->await(0ms).error().code == Errc::timed_out);
    CHECK(d.leader() == "a");
}

void fenced_off(Desk& d) {
    const auto store = make_memory_store();
    auto a = d.leading("a");
    const std::uint64_t term = a->leading()->term;
    CHECK(fenced_append(*store, "main", term) == Errc{});
    end_lease(*d.coord, "a");
    auto b = d.leading("b");
    CHECK(fenced_append(*store, "main", b->leading()->term) == Errc{});
    CHECK(fenced_append(*store, "main", term) == Errc::fenced);
}

void never_two(Desk& d) {
    std::atomic<bool> inside{false};
    // Guarded by the lead, if it is one.
    bool in_order = true;
    std::uint64_t last = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 6; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 8; ++i) {
                auto mine = d.elections->campaign("main", candidate("t", t % 3));
                const auto led = mine ? (*mine)->await(60s) : Result<Leader>(mine.error());
                if (led) {
                    in_order = in_order && !inside.exchange(true) && led->term == last + 1;
                    last = led->term;
                    inside = false;
                }
                if (mine && i % 2 == 0) {
                    (void)(*mine)->resign();
                }
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(last == 48);
    CHECK(in_order);
    CHECK(d.candidates().empty());
}

void observed(Desk& d) {
    HeardTerms before;
    auto none = d.elections->observe("main", before.handler());
    REQUIRE(none);
    auto a = d.leading("a");
    CHECK(before.wait_for(1) == Texts{"1 a"});
    HeardTerms heard;
    auto observation = d.elections->observe("main", heard.handler());
    REQUIRE(observation);
    CHECK(heard.wait_for(1) == Texts{"1 a"});
    auto b = d.campaign("b");
    REQUIRE(a->resign());
    CHECK(heard.wait_for(3) == Texts{"1 a", "1 a resigned", "2 b"});
    auto other = d.elections->campaign("other", candidate("c"));
    REQUIRE((*other)->await(60s));
    end_lease(*d.coord, "b");
    CHECK(heard.wait_for(4).back() == "2 b lost");
    HeardTerms after;
    auto late = d.elections->observe("main", after.handler());
    observation->reset();
    auto c = d.leading("c");
    const Texts all{"1 a", "1 a resigned", "2 b", "2 b lost", "3 c"};
    CHECK(before.wait_for(5) == all);
    CHECK(after.wait_for(1) == Texts{"3 c"});
    CHECK(heard.texts().size() == 4);
}

void side_by_side(Desk& d) {
    const Texts names{"a", "a b", "a-b", "\xc3\xa9"};
    std::vector<std::unique_ptr<Candidacy>> all;
    for (const std::string& name : {names[3], names[1], names[0], names[2]}) {
        auto candidacy = d.elections->campaign(name, candidate("in " + name));
        REQUIRE(candidacy);
        CHECK((*candidacy)->await(60s)->term == 1);
        all.push_back(std::move(*candidacy));
    }
    CHECK(*d.elections->names() == names);
    REQUIRE(d.elections->dismiss("a", "op", "why"));
    CHECK_FALSE(*d.elections->leader("a"));
    for (const std::string& name : {names[1], names[2], names[3]}) {
        CHECK((*d.elections->leader(name))->value == "in " + name);
        CHECK(d.elections->log(name)->size() == 1);
    }
}

void refusals(Desk& d) {
    const auto bad = Errc::invalid_argument;
    for (const std::string& name :
         {std::string(), std::string("a/b"), std::string("a\n"), std::string(201, 'n')}) {
        CHECK(d.refusal(name, candidate("v")) == bad);
        CHECK(d.elections->leader(name).error().code == bad);
        CHECK(d.elections->candidates(name).error().code == bad);
        CHECK(d.elections->log(name).error().code == bad);
        CHECK(d.elections->dismiss(name, "op", "why").error().code == bad);
        CHECK(d.elections->observe(name, [](const Term&) {}).error().code == bad);
    }
    for (const std::string& value : {std::string(), std::string("v\n"), std::string(4097, 'v')}) {
        CHECK(d.refusal("main", candidate(value)) == bad);
    }
    const auto timed = [&](std::chrono::milliseconds ttl, std::chrono::milliseconds heartbeat) {
        auto options = candidate("v");
        options.ttl = ttl;
        options.heartbeat = heartbeat;
        return d.refusal("main", options);
    };
    CHECK(timed(999ms, 0ms) == bad);
    CHECK(timed(24h + 1ms, 0ms) == bad);
    CHECK(timed(2999ms, 1000ms) == bad);
    CHECK(timed(3000ms, 1000ms) == Errc{});
    CHECK(timed(3000ms, 99ms) == bad);
    CHECK(timed(3000ms, -1ms) == bad);
    CHECK(d.elections->observe("main", {}).error().code == bad);
    CHECK(d.elections->dismiss("main", "", "why").error().code == bad);
    CHECK(d.elections->dismiss("main", "op", std::string(256, 'w')).error().code == bad);
    auto longest = d.elections->campaign(std::string(200, 'n'), candidate(std::string(4096, '"')));
    REQUIRE(longest);
    CHECK((*longest)->await(60s)->value == std::string(4096, '"'));
    CHECK((*longest)->await(-1ms).error().code == bad);
    CHECK((*longest)->await(24h + 1ms).error().code == bad);
    CHECK(d.candidates().empty());
}

}  // namespace

void run_elections_contract(CoordFactory& factory) {
    run_sections<Desk>(factory, {{"one leads, and resigns", one_leads},
                                 {"a vacancy is filled by priority, then in turn", by_priority},
                                 {"a higher priority may take the place", preempted},
                                 {"a leader is dismissed, with a reason", dismissed},
                                 {"whose lease ended leads no more", lost_leases},
                                 {"who is not heard is followed by another", unheard_of},
                                 {"who cannot keep its lease alive knows in time", by_its_clock},
                                 {"a leader that lost is fenced off", fenced_off},
                                 {"two never lead together, and terms rise by one", never_two},
                                 {"an observer hears of each term in order", observed},
                                 {"elections do not know of one another", side_by_side},
                                 {"what is refused", refusals}});
}

}  // namespace skald::coord
