#include "coord/local_coord.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "coord/limits.h"

namespace skald::coord {

// Of whoever watches.
class LocalCoord::Handle final : public Watch {
  public:
    Handle(LocalCoord& coord, std::shared_ptr<Watching> watching)
        : coord_(coord), watching_(std::move(watching)) {}
    ~Handle() override { coord_.end(watching_); }
    Revision told() const override {
        const std::lock_guard lock(coord_.mutex_);
        const bool known = coord_.told_ != watching_ && watching_->next != Revision{};
        return known ? watching_->next - 1 : Revision{};
    }

  private:
    LocalCoord& coord_;
    const std::shared_ptr<Watching> watching_;
};

LocalCoord::LocalCoord(std::unique_ptr<KeptSpace> kept, KeySpace::Kept loaded, const Clock& clock)
    : clock_(clock), kept_(std::move(kept)), space_(std::move(loaded), clock.monotonic()) {
    const std::lock_guard lock(mutex_);
    thread_ = std::thread([this] { run(); });
}

LocalCoord::~LocalCoord() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    news_.notify_all();
    thread_.join();
    SKALD_CHECK(watchings_.empty(), "watches end before their store");
}

void LocalCoord::wake() {
    {
        const std::lock_guard lock(mutex_);
        woken_ = true;
    }
    news_.notify_all();
}

// ---- what is asked

// Nobody sees a change before it is kept: the lock is held meanwhile.
template <typename T, typename Step>
Result<T> LocalCoord::step(Step step) {
    const std::lock_guard lock(mutex_);
    if (failure_) {
        return *failure_;
    }
    Effects effects;
    auto done = step(effects);
    if (auto ok = keep(effects); !ok) {
        return Error(Errc::outcome_unknown, "the coordination store failed: " + ok.error().message);
    }
    return done;
}

Result<void> LocalCoord::keep(const Effects& effects) {
    if (!effects.any()) {
        return {};
    }
    auto ok = kept_->keep(effects);
    if (!ok) {
        failure_ = Error(Errc::store_failed,
                         "the coordination store stopped after an error: " + ok.error().message);
    }
    woken_ = woken_ || effects.granted;  // the lease may be the first to end
    news_.notify_all();
    return ok;
}

Result<Listing> LocalCoord::get(const KeyRange& keys, Reading) {
    return step<Listing>([&](Effects&) { return space_.get(keys); });
}

Result<TxnResult> LocalCoord::txn(const Txn& txn) {
    return step<TxnResult>([&](Effects& effects) { return space_.txn(txn, effects); });
}

Result<LeaseId> LocalCoord::grant(std::chrono::milliseconds ttl) {
    return step<LeaseId>(
        [&](Effects& effects) { return space_.grant(ttl, clock_.monotonic(), effects); });
}

Result<void> LocalCoord::keep_alive(LeaseId lease) {
    return step<void>([&](Effects&) { return space_.keep_alive(lease, clock_.monotonic()); });
}

Result<void> LocalCoord::revoke(LeaseId lease) {
    return step<void>([&](Effects& effects) { return space_.revoke(lease, effects); });
}

Result<std::unique_ptr<Watch>> LocalCoord::watch(const KeyRange& keys, Revision from,
                                                 WatchHandler handler) {
    const std::lock_guard lock(mutex_);
    if (failure_) {
        return *failure_;
    }
    if (watchings_.size() >= kWatchesMax) {
        return Error(Errc::busy, fmt::format("the coordination store has {} watches, all it can",
                                             watchings_.size()));
    }
    auto watching = std::make_shared<Watching>(Watching{keys, from, std::move(handler)});
    watchings_.push_back(watching);
    woken_ = true;
    news_.notify_all();
    return std::unique_ptr<Watch>(std::make_unique<Handle>(*this, std::move(watching)));
}

// A call under way is waited for, unless it is this one.
void LocalCoord::end(const std::shared_ptr<Watching>& watching) {
    std::unique_lock lock(mutex_);
    watching->ended = true;
    watchings_.remove(watching);
    if (std::this_thread::get_id() != thread_.get_id()) {
        quiet_.wait(lock, [&] { return told_ != watching; });
        const WatchHandler gone = std::move(watching->handler);
        lock.unlock();
    }
}

// ---- the thread

void LocalCoord::run() {
    std::unique_lock lock(mutex_);
    while (!stop_) {
        woken_ = false;
        end_leases();
        if (tell_one(lock)) {
            continue;
        }
        const auto something = [&, seen = space_.revision()] {
            return stop_ || woken_ || space_.revision() != seen || failure_;
        };
        const auto next = failure_ ? std::nullopt : space_.next_tick();
        if (failure_) {
            news_.wait(lock, [this] { return stop_; });
        } else if (!next) {
            news_.wait(lock, something);
        } else if (*next > clock_.monotonic()) {
            news_.wait_for(lock, *next - clock_.monotonic(), something);
        }
    }
}

void LocalCoord::end_leases() {
    if (failure_) {
        return;
    }
    Effects effects;
    space_.tick(clock_.monotonic(), effects);
    (void)keep(effects);
}

// One that is behind gets its changes. False when there is none.
bool LocalCoord::tell_one(std::unique_lock<std::mutex>& lock) {
    const auto it = std::find_if(watchings_.begin(), watchings_.end(), [&](const auto& watching) {
        return failure_ || watching->next <= space_.revision();
    });
    if (it == watchings_.end()) {
        return false;
    }
    // Others have their turn before it has it again.
    watchings_.splice(watchings_.end(), watchings_, it);
    auto watching = *it;
    const auto news = failure_ ? std::nullopt : space_.since(watching->next, watching->keys);
    if (!news) {
        const WatchEnd why = failure_ ? WatchEnd::lost : WatchEnd::compacted;
        watchings_.erase(it);
        tell(lock, watching, [&] {
            if (watching->handler.on_end) {
                watching->handler.on_end(why);
            }
        });
    } else {
        watching->next = space_.revision() + 1;
    }
    for (std::size_t i = 0; news && i < news->size(); ++i) {
        const Revised& revised = (*news)[i];
        tell(lock, watching,
             [&] { watching->handler.on_changes(revised.revision, revised.changes); });
    }
    lock.unlock();
    watching.reset();  // what the handler holds may be the last of it
    lock.lock();
    return true;
}

void LocalCoord::tell(std::unique_lock<std::mutex>& lock, const std::shared_ptr<Watching>& watching,
                      const std::function<void()>& call) {
    if (watching->ended) {
        return;
    }
    told_ = watching;
    lock.unlock();
    call();
    lock.lock();
    told_.reset();
    quiet_.notify_all();
}

Result<std::unique_ptr<Coord>> open_coord(const std::string& directory, const Clock& clock) {
    auto kept = KeptSpace::open(directory);
    if (!kept) {
        return kept.error();
    }
    auto loaded = (*kept)->load();
    if (!loaded) {
        return loaded.error();
    }
    return std::unique_ptr<Coord>(
        std::make_unique<LocalCoord>(std::move(*kept), std::move(*loaded), clock));
}

}  // namespace skald::coord
