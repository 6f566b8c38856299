// Keeps leases alive while somebody needs them, on a thread of its own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "skald/clock.h"
#include "skald/coord.h"

namespace skald::coord {

// Thread safe.
class LeaseKeeper {
  public:
    LeaseKeeper(Coord& coord, const Clock& clock);
    ~LeaseKeeper();
    LeaseKeeper(const LeaseKeeper&) = delete;
    LeaseKeeper& operator=(const LeaseKeeper&) = delete;

    // A lease that is kept alive while this stands; then it is revoked.
    class Kept {
      public:
        LeaseId id() const { return id_; }
        // It was alive for sure, at this time of the keeper's clock: two thirds of its time after
        // the last good answer was asked for.
        bool alive(Monotonic now) const { return now < good_until_.load(); }

      private:
        friend class LeaseKeeper;
        LeaseId id_;
        std::chrono::milliseconds ttl_{0};
        std::chrono::milliseconds every_{0};
        std::atomic<Monotonic> good_until_{};
    };
    // Kept alive so often: at most a third of its time; 0: a third. Errors of Coord::grant().
    Result<std::shared_ptr<Kept>> grant(std::chrono::milliseconds ttl,
                                        std::chrono::milliseconds every = {});
    bool alive(const Kept& kept) const { return kept.alive(clock_.monotonic()); }

  private:
    void run();
    void release(Kept* kept);
    std::optional<Monotonic> keep(Kept& kept);

    Coord& coord_;
    const Clock& clock_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<LeaseId, std::weak_ptr<Kept>> leases_;  // guarded by mutex_, like the rest
    std::set<std::pair<Monotonic, LeaseId>> dues_;   // when they are to be kept alive
    bool stop_ = false;
    std::thread thread_;
};

}  // namespace skald::coord
