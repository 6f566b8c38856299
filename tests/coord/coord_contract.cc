#include "tests/coord/coord_contract.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "tests/await.h"
#include "tests/coord/told.h"

namespace skald::coord {
namespace {

using Texts = std::vector<std::string>;
using std::chrono::milliseconds;

struct Contract {
    Contract(CoordFactory& with) : factory(with), coord(with.open()) { REQUIRE(coord != nullptr); }

    TxnResult run(const Txn& txn) const {
        auto done = coord->txn(txn);
        INFO((done ? std::string() : done.error().message));
        REQUIRE(done);
        return *done;
    }
    Revision put(const std::string& key, const std::string& value, LeaseId lease = {}) const {
        return run({{}, {Put{key, value, lease}}, {}}).revision;
    }
    Errc refusal(const Txn& txn) const {
        const auto done = coord->txn(txn);
        return done ? Errc{} : done.error().code;
    }
    // As key=value.
    Texts list(const KeyRange& keys) const {
        auto listing = coord->get(keys, Reading::linearizable);
        REQUIRE(listing);
        Texts texts;
        for (const Entry& entry : listing->entries) {
            texts.push_back(entry.key + "=" + entry.value);
        }
        return texts;
    }
    Entry entry(const std::string& key) const {
        auto listing = coord->get(KeyRange::one(key), Reading::linearizable);
        REQUIRE(listing);
        REQUIRE(listing->entries.size() == 1);
        return listing->entries.front();
    }
    LeaseId grant(milliseconds ttl) const {
        const auto lease = coord->grant(ttl);
        REQUIRE(lease);
        return *lease;
    }

    CoordFactory& factory;
    std::unique_ptr<Coord> coord;
};

void entries(Contract& c) {
    CHECK(c.list(KeyRange::one("a")).empty());
    const Revision first = c.put("a", "1");
    const Revision second = c.put("a", "2");
    CHECK(second == first + 1);
    CHECK(c.entry("a") == Entry{"a", "2", first, second, 2, {}});
    c.put("ab", "3");
    c.put("b", std::string("\0\xff", 2));
    c.put("\xff\xff", "5");
    CHECK(c.list(KeyRange::prefix("a")) == Texts{"a=2", "ab=3"});
    CHECK(c.list(KeyRange{"ab", "c"}).size() == 2);
    CHECK(c.entry("b").value == std::string("\0\xff", 2));
    CHECK(c.run({{}, {Erase{KeyRange::prefix("a")}}, {}}).revision == second + 4);
    CHECK(c.list(KeyRange::prefix("a")).empty());
    // Nothing changed: no revision.
    CHECK(c.run({{}, {Erase{KeyRange::prefix("a")}}, {}}).revision == second + 4);
    const Revision again = c.put("a", "6");
    CHECK(c.entry("a") == Entry{"a", "6", again, again, 1, {}});
    CHECK(c.coord->get(KeyRange::one("a"), Reading::stale)->entries.size() <= 1);
}

// Ranges at the ends of what a key can be, and those that hold nothing.
void ranges(Contract& c) {
    const std::string zero(1, '\0');
    c.put(zero, "0");
    c.put("a", "1");
    c.put("\xff\xff", "2");
    const Texts all{zero + "=0", "a=1", "\xff\xff=2"};
    CHECK(c.list(KeyRange::prefix("")) == all);
    CHECK(c.list(KeyRange{zero, ""}) == all);
    CHECK(c.list(KeyRange{"a", ""}) == Texts{"a=1", "\xff\xff=2"});
    CHECK(c.list(KeyRange{"", "b"}) == Texts{zero + "=0", "a=1"});
    CHECK(c.list(KeyRange::prefix("\xff")) == Texts{"\xff\xff=2"});
    Told told;
    auto watch = c.coord->watch(KeyRange::prefix(""), Revision{2}, told.handler());
    CHECK(told.wait_for(3) == all);
    std::size_t heard = 3;
    for (const KeyRange& none : {KeyRange{"", zero}, KeyRange{"b", "a"}, KeyRange{"a", "a"},
                                 KeyRange{zero, zero}, KeyRange::one("")}) {
        CHECK(c.list(none).empty());
        Told nothing;
        auto idle = c.coord->watch(none, Revision{2}, nothing.handler());
        REQUIRE(idle);
        const bool one = !none.end.has_value();
        CHECK(c.refusal({{}, {Erase{none}}, {}}) == (one ? Errc::invalid_argument : Errc{}));
        CHECK(c.refusal({{}, {Get{none}}, {}}) == (one ? Errc::invalid_argument : Errc{}));
        c.put("a", "3");
        told.wait_for(++heard);
        CHECK(nothing.so_far().empty());
    }
    CHECK(c.list(KeyRange::prefix("")).size() == 3);
    // Erasing all erases all.
    c.run({{}, {Erase{KeyRange::prefix("")}}, {}});
    CHECK(c.list(KeyRange::prefix("")).empty());
}

void transactions(Contract& c) {
    const Txn claim{{Compare::absent("k")},
                    {Put{"k", "mine", {}}},
                    {Get{KeyRange::one("k")}, Get{KeyRange::one("none")}}};
    const TxnResult won = c.run(claim);
    CHECK((won.succeeded && won.found.empty()));
    const TxnResult lost = c.run(claim);
    CHECK_FALSE(lost.succeeded);
    REQUIRE(lost.found.size() == 2);
    CHECK((lost.found[0].size() == 1 && lost.found[0][0].modified == won.revision));
    CHECK(lost.found[1].empty());
    CHECK(lost.revision == won.revision);

    const auto set = [&](Revision since, const std::string& value) {
        return c.run({{Compare::unchanged("k", since)}, {Put{"k", value, {}}}, {}});
    };
    CHECK_FALSE(set(won.revision - 1, "x").succeeded);
    const TxnResult changed = set(won.revision, "y");
    CHECK(changed.succeeded);
    CHECK_FALSE(set(won.revision, "z").succeeded);
    // All of it is one revision.
    const TxnResult both = c.run({{}, {Put{"l", "1", {}}, Erase{KeyRange::one("k")}}, {}});
    CHECK(both.revision == changed.revision + 1);
    CHECK(c.list(KeyRange{"k", "m"}) == Texts{"l=1"});

    using Field = Compare::Field;
    using Is = Compare::Is;
    const std::uint64_t modified = both.revision.value;
    for (const auto& [compare, holds] : std::vector<std::pair<Compare, bool>>{
             {{"l", Field::modified, Is::less, modified + 1, {}}, true},
             {{"l", Field::modified, Is::less, modified, {}}, false},
             {{"l", Field::created, Is::greater, modified - 1, {}}, true},
             {{"l", Field::version, Is::not_equal, 1, {}}, false},
             {{"l", Field::version, Is::equal, 1, {}}, true},
             {{"l", Field::lease, Is::equal, 0, {}}, true},
             {{"l", Field::value, Is::equal, 0, "1"}, true},
             {{"l", Field::value, Is::greater, 0, "1"}, false},
             {{"none", Field::version, Is::less, 1, {}}, true},
             {{"l", Field::modified, Is::less, ~std::uint64_t{0}, {}}, true},
             {{"l", Field::lease, Is::equal, ~std::uint64_t{0}, {}}, false},
             // Of the value of what is not there nothing holds.
             {{"none", Field::value, Is::equal, 0, ""}, false},
             {{"none", Field::value, Is::not_equal, 0, "1"}, false},
             {{"none", Field::value, Is::less, 0, "1"}, false}}) {
        CHECK(c.run({{compare}, {}, {}}).succeeded == holds);
    }
    // One that does not hold is enough.
    CHECK_FALSE(c.run({{Compare::absent("none"), Compare::absent("l")}, {}, {}}).succeeded);
}

void refusals(Contract& c) {
    CHECK(c.refusal({{}, {Put{"", "x", {}}}, {}}) == Errc::invalid_argument);
    CHECK(c.refusal({{}, {Put{std::string(512, 'k'), "x", {}}}, {}}) == Errc::invalid_argument);
    CHECK(c.refusal({{}, {Put{"k", std::string(65537, 'x'), {}}}, {}}) == Errc::invalid_argument);
    CHECK(c.refusal({{}, {Put{"k", "1", {}}, Put{"k", "2", {}}}, {}}) == Errc::invalid_argument);
    CHECK(c.refusal({{}, {Put{"k", "1", {}}, Erase{KeyRange::prefix("k")}}, {}}) ==
          Errc::invalid_argument);
    CHECK(c.refusal({{}, {}, {Get{KeyRange::prefix("k")}, Put{"kl", "1", {}}}}) ==
          Errc::invalid_argument);
    CHECK(c.refusal({{}, {Put{"k", "1", LeaseId{987654321}}}, {}}) == Errc::not_found);
    CHECK(c.refusal({{}, {Put{"ka", "1", {}}, Put{"k", "1", LeaseId{987654321}}}, {}}) ==
          Errc::not_found);
    CHECK(c.refusal({{}, {Put{"k", "1", LeaseId{~std::uint64_t{0}}}}, {}}) == Errc::not_found);
    CHECK(c.refusal({{}, {Erase{KeyRange::prefix("k")}, Erase{KeyRange::one("kl")}}, {}}) ==
          Errc::invalid_argument);
    const std::string longest(511, 'l');
    CHECK(c.refusal({{}, {Put{longest, std::string(65536, 'x'), {}}}, {}}) == Errc{});
    CHECK(c.entry(longest).value.size() == 65536);
    Txn large;
    for (int i = 0; i < 129; ++i) {
        large.then.emplace_back(Put{"k" + std::to_string(i), "", {}});
    }
    CHECK(c.refusal(large) == Errc::request_too_large);
    large.then.resize(17);
    for (Operation& operation : large.then) {
        std::get<Put>(operation).value = std::string(65536, 'x');
    }
    CHECK(c.refusal(large) == Errc::request_too_large);
    CHECK(c.list(KeyRange::prefix("k")).empty());
    large.then.resize(15);
    CHECK(c.refusal(large) == Errc{});
}

// So that an answer is one message on each of them.
void found(Contract& c) {
    constexpr std::size_t kFoundMax = 3670016;  // 3.5 MiB
    constexpr std::size_t kEach = 128 + 3 + 65536;
    constexpr std::size_t kLast = kFoundMax - 55 * kEach;
    const auto fill = [&](std::size_t last) {
        for (int i = 0; i < 11; ++i) {
            Txn txn;
            for (int n = 0; n < 5; ++n) {
                txn.then.emplace_back(
                    Put{"f" + std::to_string(10 + i * 5 + n), std::string(65536, 'x'), {}});
            }
            c.run(txn);
        }
        c.put("f99", std::string(last, 'x'));
    };
    const KeyRange all = KeyRange::prefix("f");
    fill(kLast - 131);
    CHECK(c.coord->get(all, Reading::linearizable)->entries.size() == 56);
    CHECK(c.run({{}, {Get{all}}, {}}).found.at(0).size() == 56);
    CHECK(c.run({{Compare::absent("f10")}, {Put{"g", "1", {}}}, {Get{all}}}).found.at(0).size() ==
          56);
    CHECK(c.refusal({{}, {Get{all}, Get{KeyRange::one("f99")}}, {}}) == Errc::request_too_large);
    fill(kLast - 130);
    for (const Reading reading : {Reading::linearizable, Reading::stale}) {
        const auto listing = c.coord->get(all, reading);
        REQUIRE_FALSE(listing);
        CHECK(listing.error().code == Errc::request_too_large);
    }
    CHECK(c.refusal({{}, {Get{all}}, {}}) == Errc::request_too_large);
    CHECK(c.refusal({{Compare::absent("f10")}, {Put{"g", "1", {}}}, {Get{all}}}) ==
          Errc::request_too_large);
    CHECK(c.list(KeyRange::one("g")).empty());
    // Who is told that nothing was done can rely on it; who is not looks.
    const Errc both = c.refusal({{}, {Get{all}, Put{"h", "1", {}}}, {}});
    CHECK((both == Errc::outcome_unknown ||
           (both == Errc::request_too_large && c.list(KeyRange::one("h")).empty())));
    // It stays where it is.
    CHECK(c.run({{}, {Get{KeyRange{"f10", "f99"}}}, {}}).found.at(0).size() == 55);
}

void leases(Contract& c) {
    CHECK(c.coord->grant(milliseconds(999)).error().code == Errc::invalid_argument);
    CHECK(c.coord->grant(std::chrono::hours(25)).error().code == Errc::invalid_argument);
    const LeaseId first = c.grant(milliseconds(2000));
    const LeaseId second = c.grant(std::chrono::minutes(5));
    CHECK(first != second);
    c.put("a", "1", first);
    c.put("b", "1", first);
    c.put("c", "1", second);
    c.put("d", "1", first);
    c.put("d", "2");  // without it from now on
    CHECK(c.entry("a").lease == first);
    CHECK(c.coord->keep_alive(first));
    Told told;
    auto watch = c.coord->watch(KeyRange::prefix("a"), c.entry("d").modified + 1, told.handler());
    REQUIRE(watch);
    c.factory.pass(*c.coord, milliseconds(2000));
    // It may have lived longer: what tells is the watch.
    CHECK(told.wait_for(1) == Texts{"-a"});
    CHECK(c.list(KeyRange{"a", "z"}) == Texts{"c=1", "d=2"});
    CHECK(c.coord->keep_alive(first).error().code == Errc::not_found);
    CHECK(c.coord->revoke(first).error().code == Errc::not_found);
    CHECK(c.refusal({{}, {Put{"a", "1", first}}, {}}) == Errc::not_found);
    CHECK(c.coord->keep_alive(second));
    CHECK(c.coord->revoke(second));
    CHECK(c.list(KeyRange{"a", "z"}) == Texts{"d=2"});
}

void watches(Contract& c) {
    const Revision before = c.put("w/a", "1");
    c.put("x", "1");
    Told all;
    Told some;
    Told late;
    auto watch = c.coord->watch(KeyRange::prefix("w/"), before, all.handler());
    REQUIRE(watch);
    auto second = c.coord->watch(KeyRange::one("w/b"), before, some.handler());
    REQUIRE(second);
    CHECK(all.wait_for(1) == Texts{"w/a=1"});
    c.run({{}, {Put{"w/b", "2", {}}, Put{"w/a", "3", {}}, Put{"x", "4", {}}}, {}});
    const Revision last = c.run({{}, {Erase{KeyRange::prefix("w/")}}, {}}).revision;
    CHECK(all.wait_for(5) == Texts{"w/a=1", "w/a=3", "w/b=2", "-w/a", "-w/b"});
    CHECK(some.wait_for(2) == Texts{"w/b=2", "-w/b"});
    watch->reset();
    c.put("w/b", "5");
    CHECK(some.wait_for(3) == Texts{"w/b=2", "-w/b", "w/b=5"});
    CHECK(all.wait_for(5).size() == 5);
    auto third = c.coord->watch(KeyRange::prefix("w/"), last + 1, late.handler());
    REQUIRE(third);
    CHECK(late.wait_for(1) == Texts{"w/b=5"});
}

// How far a watch was told is never more than it was told, and 0 when nobody knows.
void how_far(Contract& c) {
    const Revision first = c.put("k", "1");
    std::atomic<const Watch*> self{nullptr};
    std::atomic<bool> good{true};
    std::atomic<int> calls{0};
    auto watch = c.coord->watch(KeyRange::one("k"), first + 1,
                                {[&](Revision revision, const std::vector<Change>&) {
                                     await([&] { return self.load() != nullptr; });
                                     good = good && self.load()->told() < revision;
                                     ++calls;
                                 },
                                 {}});
    REQUIRE(watch);
    self = watch->get();
    CHECK((*watch)->told() <= first);
    c.put("k", "2");
    c.put("other", "3");
    const Revision last = c.put("k", "4");
    await([&] { return calls == 2; });
    CHECK((*watch)->told() <= last);
    CHECK(good);
    auto from_nothing = c.coord->watch(KeyRange::one("k"), Revision{0},
                                       {[](Revision, const std::vector<Change>&) {}, {}});
    REQUIRE(from_nothing);
    CHECK((*from_nothing)->told() <= last);
}

// Each claims the next value of one key: each value is claimed once.
void contenders(Contract& c) {
    constexpr int kThreads = 4;
    constexpr int kEach = 25;
    c.put("n", "0");
    std::atomic<int> won{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < kEach;) {
                const auto listing = c.coord->get(KeyRange::one("n"), Reading::linearizable);
                const Entry& entry = listing.value().entries.at(0);
                const std::string next = std::to_string(std::stoi(entry.value) + 1);
                const auto done = c.coord->txn(
                    {{Compare::unchanged("n", entry.modified)}, {Put{"n", next, {}}}, {}});
                i += done.value().succeeded ? 1 : 0;
                won += done.value().succeeded ? 1 : 0;
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(won == kThreads * kEach);
    CHECK(c.entry("n").value == std::to_string(kThreads * kEach));
    CHECK(c.entry("n").version == kThreads * kEach + 1);
}

}  // namespace

void run_coord_contract(CoordFactory& factory) {
    run_sections<Contract>(
        factory, {{"entries, ranges and revisions", entries},
                  {"ranges reach as far as they say", ranges},
                  {"a transaction is done as a whole, when its compares hold", transactions},
                  {"what is refused changes nothing", refusals},
                  {"what one request finds has a bound", found},
                  {"keys end with their leases", leases},
                  {"watches tell each change once, in order", watches},
                  {"a watch knows how far it was told", how_far},
                  {"contenders for one key never win together", contenders}});
}

}  // namespace skald::coord
