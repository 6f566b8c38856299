#include "coord/lease_keeper.h"

#include <catch2/catch.hpp>

#include "coord/limits.h"

namespace skald::coord {
namespace {

// Counts what a keeper asks of it.
class LeasesOnly final : public Coord {
  public:
    Result<Listing> get(const KeyRange&, Reading) override { return Listing{}; }
    Result<TxnResult> txn(const Txn&) override { return TxnResult{}; }
    Result<LeaseId> grant(std::chrono::milliseconds) override { return LeaseId{1}; }
    Result<void> keep_alive(LeaseId) override {
        const std::lock_guard lock(mutex_);
        ++kept_;
        changed_.notify_all();
        return ended_ ? Error(Errc::not_found, "ended") : Result<void>();
    }
    Result<void> revoke(LeaseId) override {
        ++revoked;
        return {};
    }
    Result<std::unique_ptr<Watch>> watch(const KeyRange&, Revision, WatchHandler) override {
        return Error(Errc::busy, "none");
    }
    void await(int kept) {
        std::unique_lock lock(mutex_);
        REQUIRE(changed_.wait_for(lock, std::chrono::seconds(60), [&] { return kept_ >= kept; }));
    }
    void end() {
        const std::lock_guard lock(mutex_);
        ended_ = true;
    }
    std::atomic<int> revoked{0};

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int kept_ = 0;  // guarded by mutex_
    bool ended_ = false;
};

}  // namespace

TEST_CASE("lease keeper: keeps a lease alive while it is needed", "[coord]") {
    LeasesOnly coord;
    LeaseKeeper keeper(coord, SystemClock::instance());
    auto lease = keeper.grant(kTtlMin);
    REQUIRE(lease);
    coord.await(3);  // longer than two thirds of its time
    CHECK(keeper.alive(**lease));
    coord.end();
    coord.await(4);
    while (keeper.alive(**lease)) {
    }
    CHECK(coord.revoked == 0);
    lease->reset();
    CHECK(coord.revoked == 1);
}

TEST_CASE("lease keeper: keeps a lease alive as often as is asked", "[coord]") {
    LeasesOnly coord;
    LeaseKeeper keeper(coord, SystemClock::instance());
    // A third of its time would be longer than the test waits.
    const auto lease = keeper.grant(kTtlMax, std::chrono::milliseconds(10));
    REQUIRE(lease);
    coord.await(3);
    CHECK(keeper.alive(**lease));
}

TEST_CASE("lease keeper: what was not kept alive for two thirds of its time may be dead",
          "[coord]") {
    LeasesOnly coord;
    ManualClock clock;
    LeaseKeeper keeper(coord, clock);
    const auto lease = keeper.grant(kTtlMax);
    clock.advance(std::chrono::hours(16) - std::chrono::microseconds(1));
    CHECK(keeper.alive(**lease));
    clock.advance(std::chrono::microseconds(1));
    CHECK_FALSE(keeper.alive(**lease));
}

}  // namespace skald::coord
