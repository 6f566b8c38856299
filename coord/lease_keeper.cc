#include "coord/lease_keeper.h"

#include <algorithm>

namespace skald::coord {

LeaseKeeper::LeaseKeeper(Coord& coord, const Clock& clock)
    : coord_(coord), clock_(clock), thread_([this] { run(); }) {}

LeaseKeeper::~LeaseKeeper() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

Result<std::shared_ptr<LeaseKeeper::Kept>> LeaseKeeper::grant(std::chrono::milliseconds ttl,
                                                              std::chrono::milliseconds every) {
    const Monotonic asked = clock_.monotonic();
    const auto lease = coord_.grant(ttl);
    if (!lease) {
        return lease.error();
    }
    std::shared_ptr<Kept> kept(new Kept, [this](Kept* gone) { release(gone); });
    kept->id_ = *lease;
    kept->ttl_ = ttl;
    kept->every_ = every.count() == 0 ? ttl / 3 : every;
    kept->good_until_ = asked + ttl * 2 / 3;
    {
        const std::lock_guard lock(mutex_);
        leases_[*lease] = kept;
        dues_.emplace(asked + kept->every_, *lease);
    }
    changed_.notify_all();
    return kept;
}

// Whoever waits for its keys need not wait for its time.
void LeaseKeeper::release(Kept* kept) {
    const std::unique_ptr<Kept> gone(kept);
    {
        const std::lock_guard lock(mutex_);
        leases_.erase(gone->id_);
    }
    (void)coord_.revoke(gone->id_);
}

void LeaseKeeper::run() {
    std::unique_lock lock(mutex_);
    while (!stop_) {
        if (dues_.empty()) {
            changed_.wait(lock);
            continue;
        }
        const auto [due, id] = *dues_.begin();
        const Monotonic now = clock_.monotonic();
        if (due > now) {
            changed_.wait_for(lock, due - now);
            continue;
        }
        dues_.erase(dues_.begin());
        const auto it = leases_.find(id);
        auto kept = it == leases_.end() ? nullptr : it->second.lock();
        if (kept == nullptr) {
            continue;
        }
        lock.unlock();
        const auto next = keep(*kept);
        kept.reset();  // it may have been the last one who held it
        lock.lock();
        if (next) {
            dues_.emplace(*next, id);
        }
    }
}

// When to do it again; none: it has ended.
std::optional<Monotonic> LeaseKeeper::keep(Kept& kept) {
    const Monotonic asked = clock_.monotonic();
    const auto answer = coord_.keep_alive(kept.id_);
    if (answer) {
        kept.good_until_ = asked + kept.ttl_ * 2 / 3;
        return asked + kept.every_;
    }
    if (answer.error().code == Errc::not_found) {
        kept.good_until_ = Monotonic{};
        return std::nullopt;
    }
    return asked + std::min(kept.every_, kept.ttl_ / 20);
}

}  // namespace skald::coord
