// What is done again and again, each thing at an interval of its own, on a few threads.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "skald/clock.h"

namespace skald::coord {

// Thread safe. A thing is never done twice at one time; what is late is not made up for.
class Rounds {
  public:
    // One that may take long ends early when it is asked to stop.
    using Task = std::function<void(const std::stop_token& stop)>;

    // Threads are started as there are things to do, up to `threads_max`.
    Rounds(std::size_t threads_max, const Clock& clock)
        : threads_max_(threads_max), clock_(clock) {}
    // Waits for what runs.
    ~Rounds();
    Rounds(const Rounds&) = delete;
    Rounds& operator=(const Rounds&) = delete;

    // Ends when destroyed, from anywhere, before its Rounds: none begins behind that. One that runs
    // is asked to stop, and not waited for.
    class Round;
    std::unique_ptr<Round> add(Monotonic every, Monotonic first, Task task);
    // Somebody moved the clock.
    void wake();

  private:
    struct Thing {
        Monotonic every{};
        Task task;
        std::stop_source stop;
        Monotonic due{};  // guarded by mutex_
    };
    using Due = std::pair<Monotonic, std::shared_ptr<Thing>>;

    void run();
    void end(const std::shared_ptr<Thing>& thing);

    const std::size_t threads_max_;
    const Clock& clock_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::set<Due> waiting_;  // guarded by mutex_, like the rest
    std::size_t rounds_ = 0;
    bool stop_ = false;
    std::vector<std::thread> threads_;
};

class Rounds::Round {
  public:
    Round(Rounds& rounds, std::shared_ptr<Thing> thing)
        : rounds_(rounds), thing_(std::move(thing)) {}
    ~Round() { rounds_.end(thing_); }
    Round(const Round&) = delete;
    Round& operator=(const Round&) = delete;

  private:
    Rounds& rounds_;
    const std::shared_ptr<Thing> thing_;
};

}  // namespace skald::coord
