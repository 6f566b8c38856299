// What may happen to an etcd, and to who relies on it.
#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <thread>

#include "tests/await.h"
#include "tests/coord/etcd_process.h"
#include "tests/coord/put.h"
#include "tests/coord/told.h"

namespace skald::coord {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

// Revisions of a mebibyte each.
constexpr std::size_t kLargeChanges = 15;

Revision put_large(Coord& coord, int revisions) {
    Revision first;
    for (int i = 0; i < revisions; ++i) {
        Txn txn;
        for (std::size_t n = 0; n < kLargeChanges; ++n) {
            // Not in their order.
            txn.then.emplace_back(Put{
                "k" + std::to_string(99 - n), std::string(65536, static_cast<char>('a' + i)), {}});
        }
        const auto done = coord.txn(txn);
        REQUIRE(done);
        first = i == 0 ? done->revision : first;
    }
    return first;
}

}  // namespace

TEST_CASE("etcd coord: kill -9 loses nothing that was answered", "[coord]") {
    if (!EtcdProcess::installed()) {
        return;
    }
    EtcdProcess etcd;
    auto coord = etcd.connect(5s);
    const Revision first = put(*coord, "n", "0");
    Told told;
    auto watch = coord->watch(KeyRange::one("n"), first + 1, told.handler());
    std::atomic<int> last{0};  // that was acknowledged
    std::atomic<bool> stop{false};
    bool rising = true;
    std::thread counter([&] {
        while (!stop) {
            const auto listing = coord->get(KeyRange::one("n"), Reading::linearizable);
            if (!listing || listing->entries.empty()) {
                continue;
            }
            const Entry& entry = listing->entries.front();
            const int next = std::stoi(entry.value) + 1;
            rising = rising && next > last;
            const auto done = coord->txn({{Compare::unchanged("n", entry.modified)},
                                          {Put{"n", std::to_string(next), {}}},
                                          {}});
            if (done) {
                // Nobody else counts.
                rising = rising && done->succeeded;
                last = next;
            }
        }
    });
    for (int kills = 0; kills < 3; ++kills) {
        await([&, from = last.load()] { return last >= from + 50; });
        etcd.kill();
        etcd.restart();
    }
    await([&, from = last.load()] { return last >= from + 50; });
    stop = true;
    counter.join();
    CHECK(rising);
    const auto listing = coord->get(KeyRange::one("n"), Reading::linearizable);
    const int reached = std::stoi(listing->entries.at(0).value);
    CHECK(reached >= last);
    Texts each;
    for (int n = 1; n <= reached; ++n) {
        each.push_back("n=" + std::to_string(n));
    }
    CHECK(told.wait_for(each.size()) == each);
}

TEST_CASE("etcd coord: one that stands still", "[coord]") {
    if (!EtcdProcess::installed()) {
        return;
    }
    EtcdProcess etcd;
    auto coord = etcd.connect(500ms);
    const auto lease = coord->grant(60s);
    REQUIRE(lease);
    Told told;
    auto watch = coord->watch(KeyRange::one("k"), Revision{2}, told.handler());
    put(*coord, "k", "1");
    CHECK(told.wait_for(1) == Texts{"k=1"});
    etcd.pause();
    CHECK(coord->get(KeyRange::one("k"), Reading::linearizable).error().code == Errc::timed_out);
    CHECK(coord->get(KeyRange::one("k"), Reading::stale).error().code == Errc::timed_out);
    CHECK(coord->txn({{}, {Put{"k", "2", {}}}, {}}).error().code == Errc::outcome_unknown);
    CHECK(coord->txn({{}, {}, {Erase{KeyRange::one("k")}}}).error().code == Errc::outcome_unknown);
    CHECK(coord->txn({{}, {Get{KeyRange::one("k")}}, {}}).error().code == Errc::timed_out);
    CHECK(coord->grant(1s).error().code == Errc::outcome_unknown);
    CHECK(coord->keep_alive(*lease).error().code == Errc::timed_out);
    CHECK(coord->revoke(*lease).error().code == Errc::outcome_unknown);
    CHECK(told.wait_for_end() == WatchEnd::lost);
    etcd.go_on();
    await([&] { return coord->get(KeyRange::one("k"), Reading::linearizable).has_value(); });
}

TEST_CASE("etcd coord: a watch outlives a pause that is short, and ends behind a compaction",
          "[coord]") {
    if (!EtcdProcess::installed()) {
        return;
    }
    EtcdProcess etcd;
    auto coord = etcd.connect();
    put(*coord, "k", "1");
    const Revision last = put(*coord, "k", "2");
    Told before;
    auto early = coord->watch(KeyRange::one("k"), last, before.handler());
    CHECK(before.wait_for(1) == Texts{"k=2"});
    etcd.post("/v3/kv/compaction",
              "{\"revision\":\"" + std::to_string(last.value) + "\",\"physical\":true}");
    Told told;
    auto watch = coord->watch(KeyRange::one("k"), last - 1, told.handler());
    CHECK(told.wait_for_end() == WatchEnd::compacted);
    etcd.pause();
    etcd.go_on();
    put(*coord, "k", "3");
    CHECK(before.wait_for(2) == Texts{"k=2", "k=3"});
}

TEST_CASE("etcd coord: another member goes on", "[coord]") {
    if (!EtcdProcess::installed()) {
        return;
    }
    EtcdProcess etcd;
    EtcdProcess other;  // stands for a second member that does not answer
    EtcdOptions options = etcd.options(2s);
    SECTION("than one that is not there") {
        other.kill();
    }
    SECTION("than one that stands still") {
        other.pause();
    }
    options.endpoints = {other.url(), etcd.url()};
    auto coord = connect_etcd(options);
    REQUIRE(coord);
    const Revision at = put(**coord, "k", "1");
    Told told;
    auto watch = (*coord)->watch(KeyRange::one("k"), at, told.handler());
    CHECK(told.wait_for(1) == Texts{"k=1"});
    put(**coord, "k", "2");
    CHECK(told.wait_for(2) == Texts{"k=1", "k=2"});
}

TEST_CASE("etcd coord: a watch goes on at another member", "[coord]") {
    if (!EtcdProcess::installed()) {
        return;
    }
    EtcdProcess first;
    EtcdProcess second;  // a store of its own: what it tells, the other did not
    EtcdOptions options = first.options();
    options.endpoints = {first.url(), second.url()};
    auto coord = connect_etcd(options);
    REQUIRE(coord);
    Told told;
    auto watch = (*coord)->watch(KeyRange::one("k"), Revision{2}, told.handler());
    put(**coord, "k", "1");
    CHECK(told.wait_for(1) == Texts{"k=1"});
    const auto there = second.connect();
    put(*there, "k", "2");
    put(*there, "k", "3");
    first.kill();
    CHECK(told.wait_for(2) == Texts{"k=1", "k=3"});
}

TEST_CASE("etcd coord: without a majority", "[coord]") {
    if (!EtcdProcess::installed()) {
        return;
    }
    EtcdProcess etcd;
    auto coord = etcd.connect(2s);
    Told told;
    auto watch = coord->watch(KeyRange::one("k"), Revision{2}, told.handler());
    put(*coord, "k", "1");
    CHECK(told.wait_for(1) == Texts{"k=1"});
    // One of two that never comes.
    etcd.post("/v3/cluster/member/add", R"({"peerURLs":["http://127.0.0.1:1"]})");
    CHECK(told.wait_for_end() == WatchEnd::lost);
    const auto stale = coord->get(KeyRange::one("k"), Reading::stale);
    REQUIRE(stale);
    CHECK(stale->entries.size() == 1);
    CHECK_FALSE(coord->get(KeyRange::one("k"), Reading::linearizable));
    CHECK(coord->txn({{}, {Put{"k", "2", {}}}, {}}).error().code == Errc::outcome_unknown);
}

TEST_CASE("etcd coord: large revisions are told whole, also to one who is slow", "[coord]") {
    if (!EtcdProcess::installed()) {
        return;
    }
    EtcdProcess etcd;
    auto coord = etcd.connect();
    constexpr int kRevisions = 16;
    const Revision first = put_large(*coord, kRevisions);
    std::promise<void> go_on;
    std::atomic<bool> reached{false};
    bool good = true;
    std::atomic<int> told{0};
    auto watch = coord->watch(
        KeyRange::prefix("k"), first,
        {[&](Revision revision, const std::vector<Change>& changes) {
             if (!reached.exchange(true)) {
                 go_on.get_future().wait();
             }
             good = good &&
                    revision.value == first.value + static_cast<std::uint64_t>(told.load()) &&
                    changes.size() == kLargeChanges &&
                    std::is_sorted(
                        changes.begin(), changes.end(),
                        [](const Change& a, const Change& b) { return a.entry.key < b.entry.key; });
             ++told;
         },
         [&](WatchEnd) { told = -1; }});
    REQUIRE(watch);
    await([&] { return reached.load(); });
    // While its handler does not return, calls go on.
    put(*coord, "other", "1");
    go_on.set_value();
    await([&] { return told < 0 || told == kRevisions; });
    CHECK(told == kRevisions);
    watch->reset();
    CHECK(good);
}

}  // namespace skald::coord
