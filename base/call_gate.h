// Whether a handler may still be called: closing waits for a call that runs.
#pragma once

#include <atomic>
#include <mutex>
#include <thread>

namespace skald {

// enter() from one thread at a time; the rest from any.
class CallGate {
  public:
    // Runs `call`, which must not throw, unless the gate is closed.
    template <typename Call>
    void enter(const Call& call) {
        const std::lock_guard lock(running_);
        runner_ = std::this_thread::get_id();
        if (open_) {
            call();
        }
        runner_ = std::thread::id();
    }
    bool open() const { return open_; }
    // False when it was closed before. A call that runs goes on.
    bool shut() { return open_.exchange(false); }
    // No call runs when this returns, unless it is the caller's own.
    void close() {
        open_ = false;
        if (runner_ != std::this_thread::get_id()) {
            const std::lock_guard wait(running_);
        }
    }

  private:
    std::mutex running_;
    std::atomic<std::thread::id> runner_{};
    std::atomic<bool> open_{true};
};

}  // namespace skald
