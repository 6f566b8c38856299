// What was told, in words, to be waited for.
#pragma once

#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace skald::coord {

class Heard {
  public:
    // Any thread.
    void add(std::string text) {
        const std::lock_guard lock(mutex_);
        texts_.push_back(std::move(text));
        changed_.notify_all();
    }
    // All that was told since the last time, once it ends so.
    std::vector<std::string> until(const std::string& text) {
        std::unique_lock lock(mutex_);
        const bool came = changed_.wait_for(lock, std::chrono::seconds(60), [&] {
            return !texts_.empty() && texts_.back() == text;
        });
        INFO(text << " was awaited, told was " << (texts_.empty() ? "nothing" : texts_.back()));
        CHECK(came);
        return std::exchange(texts_, {});
    }
    std::vector<std::string> rest() {
        const std::lock_guard lock(mutex_);
        return std::exchange(texts_, {});
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> texts_;  // guarded by mutex_
};

}  // namespace skald::coord
