#include "coord/followed.h"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include "coord/limits.h"

namespace skald::coord {

Result<TxnResult> read_together(Coord& coord, const std::vector<KeyRange>& ranges) {
    Txn txn;
    for (const KeyRange& range : ranges) {
        txn.then.push_back(Get{range});
    }
    return coord.txn(txn);
}

Result<void> Followed::begin() {
    if (auto ok = catch_up(); !ok) {
        return ok;
    }
    try {
        thread_ = std::thread([this] { run(); });
    } catch (const std::system_error& thrown) {
        return Error(Errc::busy, std::string("no thread is to be had: ") + thrown.what());
    }
    return {};
}

Followed::~Followed() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    news_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void Followed::run() {
    Follow next = handler_.on_state(found_);
    while (next != Follow::no_more && await_news(next == Follow::again)) {
        const bool was_away = std::exchange(away_, !catch_up());
        next = away_ ? Follow::again : handler_.on_state(found_);
        if (away_ != was_away && handler_.on_away) {
            handler_.on_away(away_);
        }
    }
    watches_.clear();
}

// Until there is something to read, or it is to be tried again. False: it is to stop.
bool Followed::await_news(bool again) {
    std::unique_lock lock(mutex_);
    const auto news = [this] { return stop_ || ended_ || changed_ > read_; };
    if (!again && (pause_.count() == 0 || !news_.wait_for(lock, kFollowPauseMax, news))) {
        pause_ = {};
        news_.wait(lock, news);
    }
    if (again || ended_) {
        // The first time at once.
        news_.wait_for(lock, pause_, [this] { return stop_; });
        pause_ = std::clamp(2 * pause_, kFollowPauseMin, kFollowPauseMax);
    } else {
        pause_ = {};
    }
    return !stop_;
}

Result<void> Followed::catch_up() {
    bool anew = false;
    {
        const std::lock_guard lock(mutex_);
        anew = ended_;
    }
    if (!anew) {
        return read();
    }
    watches_.clear();
    auto ok = read();
    return ok ? watch() : ok;
}

Result<void> Followed::read() {
    auto done = read_together(coord_, ranges_);
    if (!done) {
        return done.error();
    }
    found_ = std::move(done->found);
    read_ = done->revision;
    return {};
}

// From behind what was read.
Result<void> Followed::watch() {
    {
        const std::lock_guard lock(mutex_);
        ended_ = false;
        changed_ = {};
    }
    const auto tell = [this](bool ended, Revision revision) {
        const std::lock_guard lock(mutex_);
        ended_ = ended_ || ended;
        changed_ = std::max(changed_, revision);
        news_.notify_all();
    };
    for (const KeyRange& range : ranges_) {
        auto watch = coord_.watch(
            range, read_ + 1,
            {[tell](Revision revision, const std::vector<Change>&) { tell(false, revision); },
             [tell](WatchEnd) { tell(true, {}); }});
        if (!watch) {
            tell(true, {});
            return watch.error();
        }
        watches_.push_back(std::move(*watch));
    }
    return {};
}

}  // namespace skald::coord
