// A store in front of another one, whose leases take no time but what the test lets pass.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "coord/limits.h"
#include "coord/txn_check.h"

namespace skald::coord {

// Thread safe.
class LeasesByHand final : public Coord {
  public:
    explicit LeasesByHand(std::unique_ptr<Coord> coord) : coord_(std::move(coord)) {}

    // False when a lease that is over could not be ended.
    bool pass(std::chrono::milliseconds time) {
        const std::lock_guard lock(mutex_);
        now_ += time;
        bool good = true;
        for (auto it = leases_.begin(); it != leases_.end();) {
            const bool over = it->second.ends <= now_;
            good = good && (!over || coord_->revoke(it->first));
            it = over ? leases_.erase(it) : std::next(it);
        }
        return good;
    }

    Result<LeaseId> grant(std::chrono::milliseconds ttl) override {
        if (auto ok = check_ttl(ttl); !ok) {
            return ok.error();
        }
        const std::lock_guard lock(mutex_);
        auto lease = coord_->grant(kTtlMax);
        if (lease) {
            leases_[*lease] = {ttl, now_ + ttl};
        }
        return lease;
    }
    Result<void> keep_alive(LeaseId lease) override {
        const std::lock_guard lock(mutex_);
        if (const auto it = leases_.find(lease); it != leases_.end()) {
            it->second.ends = now_ + it->second.ttl;
        }
        return coord_->keep_alive(lease);
    }
    Result<void> revoke(LeaseId lease) override {
        const std::lock_guard lock(mutex_);
        leases_.erase(lease);
        return coord_->revoke(lease);
    }
    Result<Listing> get(const KeyRange& keys, Reading reading) override {
        return coord_->get(keys, reading);
    }
    Result<TxnResult> txn(const Txn& txn) override { return coord_->txn(txn); }
    Result<std::unique_ptr<Watch>> watch(const KeyRange& keys, Revision from,
                                         WatchHandler handler) override {
        return coord_->watch(keys, from, std::move(handler));
    }

  private:
    struct Lease {
        std::chrono::milliseconds ttl{0};
        std::chrono::milliseconds ends{0};
    };
    const std::unique_ptr<Coord> coord_;
    std::mutex mutex_;
    std::chrono::milliseconds now_{0};  // guarded by mutex_, like the next
    std::map<LeaseId, Lease> leases_;
};

}  // namespace skald::coord
