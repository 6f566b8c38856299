// A coordination store on a real etcd, beside the contracts.
#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <mutex>
#include <thread>

#include "tests/await.h"
#include "tests/coord/etcd_process.h"
#include "tests/coord/etcd_refusal.h"
#include "tests/coord/put.h"
#include "tests/coord/told.h"

namespace skald::coord {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("etcd coord: below a prefix nothing else is seen", "[coord]") {
    if (!EtcdProcess::installed()) {
        return;
    }
    EtcdProcess etcd;
    auto all = etcd.connect();
    EtcdOptions options = etcd.options();
    options.prefix = "b/";
    auto below = connect_etcd(options);
    REQUIRE(below);
    put(*all, "a", "1");
    put(*all, "b/", "2");
    put(*all, "c", "3");
    Told told;
    auto watch = (*below)->watch(KeyRange::prefix(""), Revision{2}, told.handler());
    put(**below, "k", "4");
    CHECK(told.wait_for(1) == Texts{"k=4"});
    const auto listing = (*below)->get(KeyRange::prefix(""), Reading::linearizable);
    REQUIRE(listing->entries.size() == 1);
    CHECK(listing->entries[0].key == "k");
    REQUIRE((*below)->txn({{}, {Erase{KeyRange::prefix("")}}, {}}));
    CHECK(told.wait_for(2) == Texts{"k=4", "-k"});
    const auto left = all->get(KeyRange::prefix(""), Reading::linearizable);
    CHECK(left->entries.size() == 3);
}

TEST_CASE("etcd coord: only so many watches", "[coord]") {
    if (!EtcdProcess::installed()) {
        return;
    }
    EtcdProcess etcd;
    auto coord = etcd.connect();
    std::atomic<int> told{0};
    const WatchHandler handler{[&](Revision, const std::vector<Change>&) { ++told; }, {}};
    std::vector<std::unique_ptr<Watch>> watches;
    for (int i = 0; i < 256; ++i) {
        auto watch = coord->watch(KeyRange::one("k"), Revision{2}, handler);
        REQUIRE(watch);
        watches.push_back(std::move(*watch));
    }
    CHECK(coord->watch(KeyRange::one("k"), Revision{2}, handler).error().code == Errc::busy);
    put(*coord, "k", "1");
    await([&] { return told == 256; });
    watches.clear();
    CHECK(coord->watch(KeyRange::one("k"), Revision{2}, handler));
}

TEST_CASE("etcd coord: who ends a watch waits for its call, unless it is that", "[coord]") {
    if (!EtcdProcess::installed()) {
        return;
    }
    EtcdProcess etcd;
    auto coord = etcd.connect();
    std::promise<void> reached;
    std::atomic<bool> ending{false};
    std::atomic<bool> over{false};
    auto watch = coord->watch(KeyRange::one("k"), Revision{2},
                              {[&](Revision, const std::vector<Change>&) {
                                   reached.set_value();
                                   await([&] { return ending.load(); });
                                   // Who does not wait for this has the time to be seen.
                                   for (int i = 0; i < 100'000; ++i) {
                                       std::this_thread::yield();
                                   }
                                   over = true;
                               },
                               {}});
    std::unique_ptr<Watch> own;
    std::atomic<int> calls{0};
    put(*coord, "k", "1");
    reached.get_future().wait();
    auto ended = std::async(std::launch::async, [&] {
        ending = true;
        watch->reset();
        return over.load();
    });
    CHECK(ended.get());
    std::mutex mutex;
    {
        const std::lock_guard lock(mutex);
        own = std::move(*coord->watch(KeyRange::one("l"), Revision{2},
                                      {[&](Revision, const std::vector<Change>&) {
                                           const std::lock_guard in(mutex);
                                           ++calls;
                                           own.reset();
                                       },
                                       {}}));
    }
    Told told;
    auto other = coord->watch(KeyRange::one("l"), Revision{2}, told.handler());
    put(*coord, "l", "1");
    await([&] { return calls == 1; });
    put(*coord, "l", "2");
    told.wait_for(2);
    CHECK(calls == 1);
}

TEST_CASE("etcd coord: a watch knows how far it was told, its keys be quiet or not", "[coord]") {
    if (!EtcdProcess::installed()) {
        return;
    }
    EtcdProcess etcd({"--experimental-watch-progress-notify-interval", "100ms"});
    auto coord = etcd.connect();
    Told told;
    auto watch = *coord->watch(KeyRange::one("k"), Revision{2}, told.handler());
    CHECK(watch->told() <= Revision{1});
    const Revision first = put(*coord, "k", "1");
    await([&] { return watch->told() == first; });
    put(*coord, "other", "1");
    const Revision last = put(*coord, "other", "2");
    await([&] { return watch->told() == last; });
    // It goes on from there, though what its keys last were is forgotten.
    etcd.post("/v3/kv/compaction",
              "{\"revision\":\"" + std::to_string(last.value) + "\",\"physical\":true}");
    etcd.kill();
    etcd.restart();
    put(*coord, "k", "2");
    CHECK(told.wait_for(2) == Texts{"k=1", "k=2"});
}

TEST_CASE("etcd coord: as a user", "[coord]") {
    if (!EtcdProcess::installed()) {
        return;
    }
    EtcdProcess etcd({"--auth-token", "simple"});
    for (const auto& [path, body] : std::vector<std::pair<std::string, std::string>>{
             {"/v3/auth/user/add", R"({"name":"root","password":"r"})"},
             {"/v3/auth/user/grant", R"({"user":"root","role":"root"})"},
             {"/v3/auth/user/add", R"({"name":"me","password":"p"})"},
             {"/v3/auth/role/add", R"({"name":"mine"})"},
             // All keys from `m/` to below `m0`.
             {"/v3/auth/role/grant",
              R"({"name":"mine","perm":{"permType":"READWRITE","key":"bS8=","range_end":"bTA="}})"},
             {"/v3/auth/user/grant", R"({"user":"me","role":"mine"})"},
             {"/v3/auth/enable", "{}"}}) {
        const std::string reply = etcd.post(path, body);
        INFO(path << ": " << reply);
        REQUIRE(reply.find("error") == std::string::npos);
    }
    EtcdOptions options = etcd.options();
    CHECK_THAT(refusal(options, Errc::unauthenticated), Contains("asks for a user"));
    options.user = "me";
    options.password = "wrong";
    options.prefix = "m/";
    CHECK_THAT(refusal(options, Errc::unauthenticated), Contains("check the password of \"me\""));
    options.password = "p";
    options.prefix = "other/";
    CHECK_THAT(refusal(options, Errc::forbidden), Contains("\"me\" needs a role"));
    options.prefix = "m/";
    auto coord = connect_etcd(options);
    REQUIRE(coord);
    put(**coord, "k", "1");
    Told told;
    auto watch = (*coord)->watch(KeyRange::prefix(""), Revision{2}, told.handler());
    CHECK(told.wait_for(1) == Texts{"k=1"});
    // It forgets who showed a password.
    etcd.kill();
    etcd.restart();
    auto other = connect_etcd(options);
    REQUIRE(other);
    put(**other, "k", "2");
    CHECK(told.wait_for(2) == Texts{"k=1", "k=2"});
    put(**coord, "k", "3");
    CHECK(told.wait_for(3) == Texts{"k=1", "k=2", "k=3"});
}

}  // namespace skald::coord
