// A coordination store on a real etcd: the contracts, and what may happen to one.
#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <mutex>
#include <optional>
#include <thread>

#include "tests/await.h"
#include "tests/coord/etcd_process.h"
#include "tests/coord/locks_contract.h"
#include "tests/coord/put.h"
#include "tests/coord/told.h"

namespace skald::coord {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using Texts = std::vector<std::string>;

class EtcdFactory final : public CoordFactory {
  public:
    explicit EtcdFactory(std::string prefix) : prefix_(std::move(prefix)) {}
    std::unique_ptr<Coord> open() override {
        etcd_.emplace();
        EtcdOptions options = etcd_->options();
        options.prefix = prefix_;
        auto coord = connect_etcd(options);
        REQUIRE(coord);
        return std::move(*coord);
    }
    // etcd takes no time but the real one: so long, and no less, lives a lease of the test's own.
    void pass(Coord& coord, milliseconds time) override {
        const std::string key = "~passing";
        const auto lease = coord.grant(std::max<milliseconds>(time, 1s));
        REQUIRE(lease);
        const auto put = coord.txn({{}, {Put{key, "", *lease}}, {}});
        REQUIRE(put);
        Told told;
        const auto watch = coord.watch(KeyRange::one(key), put->revision, told.handler());
        CHECK(told.wait_for(2) == Texts{key + "=", "-" + key});
    }

  private:
    const std::string prefix_;
    std::optional<EtcdProcess> etcd_;
};

Errc refusal(const EtcdOptions& options) {
    const auto coord = connect_etcd(options);
    return coord ? Errc{} : coord.error().code;
}

}  // namespace

TEST_CASE("etcd coord: the contract", "[coord][contract]") {
    if (EtcdProcess::installed()) {
        EtcdFactory factory("");
        run_coord_contract(factory);
    }
}

TEST_CASE("etcd coord: the contract, below a prefix", "[coord][contract]") {
    if (EtcdProcess::installed()) {
        EtcdFactory factory("skald/\xff\xff");
        run_coord_contract(factory);
    }
}

TEST_CASE("etcd coord: locks", "[coord][contract]") {
    if (EtcdProcess::installed()) {
        EtcdFactory factory("skald/");
        run_locks_contract(factory);
    }
}

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

TEST_CASE("etcd coord: who cannot be reached", "[coord]") {
    EtcdOptions options;
    options.timeout = 2s;
    for (const char* wrong : {"", "127.0.0.1:2379", "ftp://host:1", "http://", "https:///path",
                              "http://host:1/path", "http://user@host:1", "http://host\n:1"}) {
        options.endpoints = {wrong};
        CHECK(refusal(options) == Errc::invalid_argument);
    }
    options.endpoints = {};
    CHECK(refusal(options) == Errc::invalid_argument);
    const std::string nobody = "http://127.0.0.1:" + std::to_string(EtcdProcess::free_port());
    options.endpoints.assign(17, nobody);
    CHECK(refusal(options) == Errc::invalid_argument);
    options.endpoints = {nobody, nobody};
    CHECK(refusal(options) == Errc::unreachable);
    options.user = "me";
    CHECK(refusal(options) == Errc::invalid_argument);
    options.user.clear();
    options.timeout = 99ms;
    CHECK(refusal(options) == Errc::invalid_argument);
    options.timeout = 2s;
    options.prefix = std::string(256, 'p');
    CHECK(refusal(options) == Errc::invalid_argument);
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

TEST_CASE("etcd coord: over TLS", "[coord]") {
    if (!EtcdProcess::installed()) {
        return;
    }
    EtcdProcess etcd({"--auto-tls"}, "https");
    EtcdOptions options = etcd.options();
    CHECK(refusal(options) == Errc::unreachable);  // nobody vouches for it
    options.ca_file = etcd.certificate();
    auto coord = connect_etcd(options);
    REQUIRE(coord);
    put(**coord, "k", "1");
    Told told;
    auto watch = (*coord)->watch(KeyRange::one("k"), Revision{2}, told.handler());
    CHECK(told.wait_for(1) == Texts{"k=1"});
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
    CHECK(refusal(options) == Errc::unauthenticated);
    options.user = "me";
    options.password = "wrong";
    options.prefix = "m/";
    CHECK(refusal(options) == Errc::unauthenticated);
    options.password = "p";
    options.prefix = "other/";
    CHECK(refusal(options) == Errc::forbidden);
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
