#include "coord/lease_keeper.h"

#include <algorithm>
#include <optional>

#include "coord/limits.h"

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

Result<std::shared_ptr<LeaseKeeper::Kept>> LeaseKeeper::grant(std::chrono::milliseconds ttl) {
    const Monotonic asked = clock_.monotonic();
    const auto lease = coord_.grant(ttl);
    if (!lease) {
        return lease.error();
    }
    std::shared_ptr<Kept> kept(new Kept, [this](Kept* gone) { release(gone); });
    kept->id_ = *lease;
    kept->ttl_ = ttl;
    kept->good_until_ = asked + ttl * 2 / 3;
    {
        const std::lock_guard lock(mutex_);
        leases_[*lease] = {asked + ttl / 3, kept};
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
        const auto first = std::min_element(
            leases_.begin(), leases_.end(),
            [](const auto& a, const auto& b) { return a.second.first < b.second.first; });
        if (first == leases_.end()) {
            changed_.wait(lock);
            continue;
        }
        const Monotonic now = clock_.monotonic();
        if (first->second.first > now) {
            changed_.wait_for(lock, std::min<Monotonic>(first->second.first - now, kTtlMax));
            continue;
        }
        const LeaseId id = first->first;
        auto kept = first->second.second.lock();
        lock.unlock();
        const Monotonic next = kept != nullptr ? keep(*kept) : Monotonic::max();
        kept.reset();  // it may have been the last one who held it
        lock.lock();
        if (const auto it = leases_.find(id); it != leases_.end()) {
            it->second.first = next;
        }
    }
}

// When to do it again.
Monotonic LeaseKeeper::keep(Kept& kept) {
    const Monotonic asked = clock_.monotonic();
    const auto answer = coord_.keep_alive(kept.id_);
    if (answer) {
        kept.good_until_ = asked + kept.ttl_ * 2 / 3;
        return asked + kept.ttl_ / 3;
    }
    if (answer.error().code == Errc::not_found) {
        kept.good_until_ = Monotonic{};
        return Monotonic::max();
    }
    return asked + kept.ttl_ / 20;
}

}  // namespace skald::coord
