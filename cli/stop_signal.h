// One way to tell a command to end: SIGINT, SIGTERM, or something that happened on another thread.
// It is a file descriptor, so that whoever waits for input waits for it as well.
#pragma once

#include <chrono>
#include <optional>

#include "skald/result.h"

namespace skald::cli {

class StopSignal {
  public:
    // io_error when the process has no file descriptor left.
    static Result<StopSignal> create();
    StopSignal(StopSignal&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    StopSignal& operator=(StopSignal&&) = delete;
    ~StopSignal();

    // Any thread, and signal handlers.
    void request() const noexcept;
    bool requested() const;
    // False when the time is over first.
    bool wait(std::optional<std::chrono::milliseconds> at_most = std::nullopt) const;
    // Until one of the two was requested: whether this one was.
    bool wait_either(const StopSignal& other) const;
    // Readable once a stop was requested.
    int fd() const { return fd_; }

  private:
    explicit StopSignal(int fd) : fd_(fd) {}
    int fd_;
};

// Turns SIGINT and SIGTERM into requests while it lives; one at a time in a process.
class SignalGuard {
  public:
    explicit SignalGuard(const StopSignal& stop);
    ~SignalGuard();
    SignalGuard(const SignalGuard&) = delete;
    SignalGuard& operator=(const SignalGuard&) = delete;
};

}  // namespace skald::cli
