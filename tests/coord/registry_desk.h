// A registry on a store that may be out of reach, with looks that are no sockets, for its tests.
#pragma once

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "coord/lease_registry.h"
#include "tests/await.h"
#include "tests/coord/coord_contract.h"
#include "tests/coord/failing_coord.h"

namespace skald::coord::registry_tests {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

inline const Error kAway{Errc::unreachable, "the store is away"};
inline const DiscoverOptions kAll{{}, true};

inline InstanceSettings shop(const std::string& id = "a", const std::string& endpoint = "h:1") {
    InstanceSettings settings;
    settings.service = "shop";
    settings.id = id;
    settings.endpoint = endpoint;
    return settings;
}

// In place of sockets.
class Looks {
  public:
    explicit Looks(ManualClock& clock) : clock_(clock) {}

    Look look() {
        return [this](const Probe& probe, const std::stop_token& stop) {
            ++begun;
            while (held && !stop.stop_requested()) {
            }
            clock_.advance(5ms);
            ++taken;
            const std::lock_guard lock(mutex_);
            target_ = probe.target;
            return outcome_;
        };
    }
    void end_as(Result<void> outcome) {
        const std::lock_guard lock(mutex_);
        outcome_ = std::move(outcome);
    }
    std::string target() {
        const std::lock_guard lock(mutex_);
        return target_;
    }
    std::atomic<bool> held{false};
    std::atomic<int> begun{0};
    std::atomic<int> taken{0};

  private:
    ManualClock& clock_;
    std::mutex mutex_;
    Result<void> outcome_;  // guarded by mutex_
    std::string target_;
};

struct Desk {
    explicit Desk(CoordFactory& with) : factory(with), coord(with.open()), between(*coord) {}

    std::unique_ptr<Registration> enroll(const InstanceSettings& settings) {
        auto registration = registry.enroll(settings);
        REQUIRE(registration);
        return std::move(*registration);
    }
    // Of the shop, all there is.
    Instance only() {
        const auto found = registry.discover("shop", kAll);
        REQUIRE(found);
        CHECK(found->age == 0ms);
        REQUIRE(found->instances.size() == 1);
        return found->instances.front();
    }
    Texts ids(const DiscoverOptions& options = {}) {
        const auto found = registry.discover("shop", options);
        REQUIRE(found);
        Texts ids;
        for (const Instance& instance : found->instances) {
            ids.push_back(instance.id);
        }
        return ids;
    }
    Entry entry(const std::string& key) const {
        const auto listing = coord->get(KeyRange::one(key), Reading::linearizable);
        REQUIRE(listing);
        return listing->entries.empty() ? Entry{} : listing->entries.front();
    }
    // For those who registered; for the store's leases it is factory.pass().
    void pass(std::chrono::milliseconds time) {
        clock.advance(time);
        leased.wake();
    }
    // Every registration was looked after since: in their order, so one that came later twice.
    void look_after() {
        InstanceSettings settings = shop();
        settings.service = "bystander";
        const auto bystander = enroll(settings);
        const std::string alive = InstanceKeys("bystander", "a").alive;
        for (int i = 0; i < 2; ++i) {
            REQUIRE(coord->txn({{}, {Erase{KeyRange::one(alive)}}, {}}));
            pass(10s);
            await([&] { return !entry(alive).key.empty(); });
        }
    }

    CoordFactory& factory;
    std::unique_ptr<Coord> coord;
    FailingCoord between;
    ManualClock clock;
    Looks looks{clock};
    LeaseRegistry leased{between, {}, clock, looks.look()};
    Registry& registry = leased;
};

}  // namespace skald::coord::registry_tests
