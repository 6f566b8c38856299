// Threads that carry out one piece of work together, each its part, and wait in between.
//
// Threads: run() from one at a time.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace skald::cqrs {

class LaneThreads {
  public:
    // With the caller of run() so many, from 1; the others are started here and end with it.
    explicit LaneThreads(std::size_t count);
    ~LaneThreads();
    LaneThreads(const LaneThreads&) = delete;
    LaneThreads& operator=(const LaneThreads&) = delete;

    // part(0) on the caller's thread, part(1) to part(count - 1) on the others; returns once all
    // returned. They must not throw.
    void run(const std::function<void(std::size_t)>& part);

  private:
    void loop(std::size_t lane);

    std::mutex mutex_;  // guards all below but the threads
    std::condition_variable begun_;
    std::condition_variable ended_;
    const std::function<void(std::size_t)>* part_ = nullptr;
    std::uint64_t round_ = 0;
    std::size_t working_ = 0;  // of this round
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace skald::cqrs
