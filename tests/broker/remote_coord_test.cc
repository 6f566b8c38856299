// A client of a node keeps the contract of coordination stores, and what it rests on.
#include <catch2/catch.hpp>
#include <optional>

#include "coord/local_coord.h"
#include "skald/client.h"
#include "skald/locks.h"
#include "skald/node.h"
#include "skald/services.h"
#include "tests/await.h"
#include "tests/coord/configuration_contract.h"
#include "tests/coord/coord_contract.h"
#include "tests/coord/elections_contract.h"
#include "tests/coord/locks_contract.h"
#include "tests/coord/registry_contract.h"
#include "tests/coord/told.h"
#include "tests/temp_directory.h"
#include "wire/coord_messages.h"

namespace skald::coord {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using Texts = std::vector<std::string>;

// A node, and its store with a clock of the test's.
class Served {
  public:
    Served() : store_(std::move(*open_coord(directory_.path("coord"), clock_))) { start(); }

    void start() {
        NodeOptions options;
        options.data_dir = directory_.path("data");
        options.map_bytes = std::size_t{1} << 30;
        options.coord = store_.get();
        options.listen = {endpoint()};
        auto node = Node::start(options);
        REQUIRE(node);
        node_ = std::move(*node);
    }
    void stop() { node_.reset(); }
    std::string endpoint() const { return "ipc://" + directory_.path("node"); }
    // The store as its watches see it that forgot what was.
    void restart_store() {
        stop();
        store_.reset();
        store_ = std::move(*open_coord(directory_.path("coord"), clock_));
        start();
    }
    void pass(milliseconds time) {
        clock_.advance(time);
        dynamic_cast<LocalCoord&>(*store_).wake();
    }
    std::unique_ptr<Coord> connect(milliseconds timeout = 10s) const {
        ClientOptions options;
        options.servers = {endpoint()};
        options.timeout = timeout;
        auto coord = connect_coord(options);
        REQUIRE(coord);
        return std::move(*coord);
    }
    Coord& store() { return *store_; }

  private:
    const TempDirectory directory_;
    ManualClock clock_;
    std::unique_ptr<Coord> store_;
    std::unique_ptr<Node> node_;
};

class RemoteFactory final : public CoordFactory {
  public:
    std::unique_ptr<Coord> open() override {
        served_.emplace();
        return served_->connect();
    }
    void pass(Coord&, milliseconds time) override { served_->pass(time); }

  private:
    std::optional<Served> served_;
};

void put(Coord& coord, const std::string& key, const std::string& value) {
    REQUIRE(coord.txn({{}, {Put{key, value, {}}}, {}}));
}

}  // namespace

TEST_CASE("remote coord: the contract", "[broker][contract]") {
    RemoteFactory factory;
    run_coord_contract(factory);
}

TEST_CASE("remote coord: locks", "[broker][contract]") {
    RemoteFactory factory;
    run_locks_contract(factory);
}

TEST_CASE("remote coord: elections", "[broker][contract]") {
    RemoteFactory factory;
    run_elections_contract(factory);
}

TEST_CASE("remote coord: the registry", "[broker][contract]") {
    RemoteFactory factory;
    run_registry_contract(factory);
    run_registry_view_contract(factory);
}

TEST_CASE("remote coord: configuration", "[broker][contract]") {
    RemoteFactory factory;
    run_configuration_contract(factory);
}

TEST_CASE("remote coord: a watch goes on behind a restart of its node", "[broker]") {
    Served served;
    const auto coord = served.connect();
    Told told;
    const auto watch = coord->watch(KeyRange::prefix("k"), Revision{2}, told.handler());
    REQUIRE(watch);
    put(*coord, "k1", "a");
    CHECK(told.wait_for(1) == Texts{"k1=a"});
    served.stop();
    put(served.store(), "k2", "b");
    served.start();
    put(served.store(), "k3", "c");
    CHECK(told.wait_for(3) == Texts{"k1=a", "k2=b", "k3=c"});
}

TEST_CASE("remote coord: a watch ends when the store forgot what it is to tell", "[broker]") {
    Served served;
    const auto coord = served.connect();
    Told told;
    const auto watch = coord->watch(KeyRange::prefix("k"), Revision{2}, told.handler());
    put(*coord, "k1", "a");
    told.wait_for(1);
    put(served.store(), "k2", "b");
    told.wait_for(2);
    served.stop();
    put(served.store(), "k3", "c");
    served.restart_store();
    CHECK(told.wait_for_end() == WatchEnd::compacted);
}

TEST_CASE("remote coord: a watch is lost with its node", "[broker]") {
    Served served;
    const auto coord = served.connect(300ms);
    Told told;
    const auto watch = coord->watch(KeyRange::prefix("k"), Revision{2}, told.handler());
    put(*coord, "k1", "a");
    told.wait_for(1);
    served.stop();
    CHECK(told.wait_for_end() == WatchEnd::lost);
    const auto error = coord->get(KeyRange::prefix(""), Reading::linearizable).error();
    CHECK((class_of(error.code) == ErrorClass::network ||
           class_of(error.code) == ErrorClass::timeout));
    CHECK(told.wait_for(1) == Texts{"k1=a"});
}

TEST_CASE("remote coord: many changes at once are told in parts, each once", "[broker]") {
    Served served;
    const auto coord = served.connect();
    const std::string large(60'000, 'x');
    for (int i = 0; i < 60; ++i) {
        put(served.store(), "k" + std::to_string(i), large);
    }
    Told told;
    const auto watch = coord->watch(KeyRange::prefix("k"), Revision{2}, told.handler());
    const Texts texts = told.wait_for(60);
    REQUIRE(texts.size() == 60);
    CHECK(texts.back() == "k59=" + large);
    put(*coord, "k", "last");
    CHECK(told.wait_for(61).back() == "k=last");
}

TEST_CASE("remote coord: an answer that no message holds is refused", "[broker]") {
    Served served;
    const auto coord = served.connect();
    for (int i = 0; i < 80; ++i) {
        put(served.store(), "k" + std::to_string(i), std::string(60'000, 'x'));
    }
    CHECK(coord->get(KeyRange::prefix("k"), Reading::linearizable).error().code ==
          Errc::request_too_large);
    CHECK(coord->get(KeyRange::prefix("k1"), Reading::linearizable));
    // Before anything was done.
    CHECK(coord->txn({{}, {Put{"other", "", {}}, Get{KeyRange::prefix("k")}}, {}}).error().code ==
          Errc::request_too_large);
    CHECK(coord->get(KeyRange::one("other"), Reading::linearizable)->entries.empty());
    // So many changes of one revision are for whoever lists.
    Told told;
    const auto watch = coord->watch(KeyRange::prefix("e"), Revision{2}, told.handler());
    std::string key(400, 'e');
    for (int i = 0; i < 12'000; i += 100) {
        Txn txn;
        for (int j = 0; j < 100; ++j) {
            txn.then.push_back(Put{key + std::to_string(i + j), "", {}});
        }
        REQUIRE(served.store().txn(txn));
    }
    told.wait_for(12'000);
    REQUIRE(served.store().txn({{}, {Erase{KeyRange::prefix("e")}}, {}}));
    CHECK(told.wait_for_end() == WatchEnd::compacted);
}

TEST_CASE("remote coord: a poll without news tells how far there was none", "[broker]") {
    Served served;
    put(served.store(), "other", "a");
    ClientOptions options;
    options.servers = {served.endpoint()};
    auto services = connect_services(options);
    REQUIRE(services);
    wire::CoordRequest poll;
    poll.verb = wire::CoordVerb::poll;
    poll.keys = KeyRange::one("k");
    poll.from = Revision{2};
    poll.wait = 1ms;
    const auto ask = [&] {
        const auto bytes = (*services)->request(wire::kCoordPolls, wire::encode(poll), 10s);
        REQUIRE(bytes);
        return wire::decode_coord_reply(as_bytes(*bytes)).value();
    };
    const Revision now = served.store().get(KeyRange::one("k"), Reading::stale)->revision;
    wire::CoordReply none;
    // One that ended before its watch had looked knows no more than it was asked.
    await([&] {
        none = ask();
        CHECK(none.news.empty());
        CHECK(none.revision <= now);
        return none.revision == now;
    });
    put(served.store(), "k", "b");
    poll.from = none.revision + 1;
    poll.wait = 10s;
    const wire::CoordReply some = ask();
    REQUIRE(some.news.size() == 1);
    CHECK(some.news[0].revision == now + 1);
}

TEST_CASE("remote coord: a node serves its own", "[broker]") {
    const TempDirectory directory;
    NodeOptions options;
    options.data_dir = directory.path("data");
    options.map_bytes = std::size_t{1} << 30;
    options.listen = {"ipc://" + directory.path("node")};
    auto node = Node::start(options);
    REQUIRE(node);
    REQUIRE((*node)->coord() != nullptr);
    put(*(*node)->coord(), "k", "own");
    ClientOptions client;
    client.servers = options.listen;
    auto coord = connect_coord(client);
    REQUIRE(coord);
    CHECK((*coord)->get(KeyRange::one("k"), Reading::stale)->entries.at(0).value == "own");
}

}  // namespace skald::coord
