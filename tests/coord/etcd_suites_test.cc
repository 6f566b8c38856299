// The contracts, on a real etcd.
#include <algorithm>
#include <optional>

#include "tests/coord/configuration_contract.h"
#include "tests/coord/elections_contract.h"
#include "tests/coord/elections_crowd.h"
#include "tests/coord/etcd_process.h"
#include "tests/coord/leases_by_hand.h"
#include "tests/coord/locks_contract.h"
#include "tests/coord/registry_contract.h"
#include "tests/coord/told.h"

namespace skald::coord {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using Texts = std::vector<std::string>;

class EtcdFactory : public CoordFactory {
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

// For those that let hours pass: that leases end by themselves is for the contract of the store.
class QuickFactory final : public EtcdFactory {
  public:
    QuickFactory() : EtcdFactory("skald/") {}
    std::unique_ptr<Coord> open() override {
        return std::make_unique<LeasesByHand>(EtcdFactory::open());
    }
    void pass(Coord& coord, milliseconds time) override {
        CHECK(dynamic_cast<LeasesByHand&>(coord).pass(time));
    }
};

template <typename Factory = QuickFactory, typename... Arguments>
void run(void (*suite)(CoordFactory&), Arguments... arguments) {
    if (EtcdProcess::installed()) {
        Factory factory(arguments...);
        suite(factory);
    }
}

}  // namespace

TEST_CASE("etcd coord: the contract", "[coord][contract]") {
    run<EtcdFactory>(run_coord_contract, "");
}

TEST_CASE("etcd coord: the contract, below a prefix", "[coord][contract]") {
    run<EtcdFactory>(run_coord_contract, "skald/\xff\xff");
}

TEST_CASE("etcd coord: locks", "[coord][contract]") {
    run<EtcdFactory>(run_locks_contract, "skald/");
}

TEST_CASE("etcd coord: elections", "[coord][contract]") {
    run(run_elections_contract);
}

TEST_CASE("etcd coord: a crowd of candidates", "[coord][contract]") {
    run(run_elections_crowd);
}

TEST_CASE("etcd coord: the registry", "[coord][contract]") {
    run(run_registry_contract);
}

TEST_CASE("etcd coord: how the registry is seen", "[coord][contract]") {
    run(run_registry_view_contract);
}

TEST_CASE("etcd coord: configuration", "[coord][contract]") {
    run(run_configuration_contract);
}

}  // namespace skald::coord
