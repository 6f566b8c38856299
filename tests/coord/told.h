// What a watch was told, to be waited for.
#pragma once

#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "skald/coord.h"

namespace skald::coord {

class Told {
  public:
    WatchHandler handler() {
        return {[this](Revision revision, const std::vector<Change>& changes) {
                    const std::lock_guard lock(mutex_);
                    in_order_ = in_order_ && last_ < revision;
                    last_ = revision;
                    for (const Change& change : changes) {
                        texts_.push_back(change.erased
                                             ? "-" + change.entry.key
                                             : change.entry.key + "=" + change.entry.value);
                    }
                    changed_.notify_all();
                },
                [this](WatchEnd why) {
                    const std::lock_guard lock(mutex_);
                    ended_ = why;
                    changed_.notify_all();
                }};
    }
    // What was told, once it is so many changes.
    std::vector<std::string> wait_for(std::size_t changes) {
        std::unique_lock lock(mutex_);
        const bool came = changed_.wait_for(lock, std::chrono::seconds(60),
                                            [&] { return texts_.size() >= changes; });
        CHECK(came);
        CHECK(in_order_);
        return texts_;
    }
    std::vector<std::string> so_far() {
        const std::lock_guard lock(mutex_);
        return texts_;
    }
    std::optional<WatchEnd> wait_for_end() {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::seconds(60), [&] { return ended_.has_value(); });
        return ended_;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> texts_;
    Revision last_;
    bool in_order_ = true;
    std::optional<WatchEnd> ended_;
};

}  // namespace skald::coord
