// Threads that carry out work in the order it came. How much may wait is for whoever adds it to
// bound.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "skald/result.h"

namespace skald {

// Thread safe. Outlives the threads for whoever may still add to it: that is dropped then.
class WorkQueue {
  public:
    void add(std::function<void()> work);
    // What has not begun is dropped.
    void clear();
    // The same, now and from now on.
    void close();
    // Carries work out until it is closed.
    void run();

  private:
    std::mutex mutex_;
    std::condition_variable more_;
    std::deque<std::function<void()>> waiting_;  // guarded by mutex_, like the next
    bool closed_ = false;
};

class WorkerThreads {
  public:
    // busy when the system gives no more threads.
    static Result<std::unique_ptr<WorkerThreads>> start(std::size_t count);
    // Closes the queue, and waits for the work that has begun: not from that work.
    ~WorkerThreads();
    WorkerThreads(const WorkerThreads&) = delete;
    WorkerThreads& operator=(const WorkerThreads&) = delete;

    const std::shared_ptr<WorkQueue>& queue() const { return queue_; }

  private:
    WorkerThreads() = default;

    const std::shared_ptr<WorkQueue> queue_ = std::make_shared<WorkQueue>();
    std::vector<std::thread> threads_;
};

}  // namespace skald
