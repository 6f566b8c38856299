// The time of a run, and what is to happen when: one thing after the other, in the order of their
// times and, at the same time, of their asking.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "skald/clock.h"

namespace skald::sim {

class Schedule {
  public:
    Monotonic now() const { return now_; }
    void after(Monotonic delay, std::function<void()> what) {
        entries_.push_back({now_ + delay, next_++, std::move(what)});
        std::push_heap(entries_.begin(), entries_.end(), later);
    }
    // False: nothing is to happen any more.
    bool step() {
        if (entries_.empty()) {
            return false;
        }
        std::pop_heap(entries_.begin(), entries_.end(), later);
        const Entry entry = std::move(entries_.back());
        entries_.pop_back();
        now_ = entry.at;
        ++steps_;
        entry.what();
        return true;
    }
    std::uint64_t steps() const { return steps_; }

  private:
    struct Entry {
        Monotonic at;
        std::uint64_t number;
        std::function<void()> what;
    };
    static bool later(const Entry& a, const Entry& b) {
        return a.at != b.at ? a.at > b.at : a.number > b.number;
    }
    Monotonic now_{};
    std::uint64_t next_ = 0;
    std::uint64_t steps_ = 0;
    std::vector<Entry> entries_;  // a heap, the next one in front
};

}  // namespace skald::sim
