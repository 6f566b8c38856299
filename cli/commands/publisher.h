// The load of one connection: appends, so many at once.
#pragma once

#include <atomic>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <optional>
#include <string>

#include "cli/commands/bench.h"

namespace skald::cli {

// run() is called on a thread of its own, the others after it returned. The store's callbacks may
// come until the store is closed: it goes first.
class Publisher {
  public:
    Publisher(EventStore& store, const BenchOptions& options, const Invocation& invocation,
              std::uint64_t number);

    // Appends until `end` or a stop, then waits for the answers. An append that is refused as busy
    // waits for answers to others; when all were, that is the error.
    void run(Monotonic end);

    std::uint64_t events() const { return answers_ * options_.per_message; }
    // Of each append when they are few at once, else of each eighth: to ask for the time takes a
    // twentieth of the processor time of an append.
    const Latencies& latencies() const { return latencies_; }
    const std::optional<Error>& error() const { return error_; }

  private:
    static constexpr std::uint64_t kNobodyWaits = std::numeric_limits<std::uint64_t>::max();

    bool wait_for_room();
    void wait_for_answer();
    void wait_until_at_most(std::uint64_t wanted);
    void leave();
    void append();
    void take(std::optional<Monotonic> begun, const Result<Receipt>& receipt);

    EventStore& store_;
    const BenchOptions& options_;
    const Clock& clock_;
    const StopSignal& stop_;
    std::uint64_t next_stream_;
    Append request_;  // all of them, but for the stream
    std::uint64_t appends_ = 0;

    std::atomic<std::uint64_t> under_way_{0};
    std::atomic<std::uint64_t> wanted_{kNobodyWaits};  // how few run() waits for
    std::atomic<bool> failed_{false};
    std::atomic<bool> refused_{false};  // the store's queue was full
    std::mutex mutex_;
    std::condition_variable changed_;
    // Of the thread that calls back, until run() returned.
    std::uint64_t answers_ = 0;
    Latencies latencies_;
    std::optional<Error> error_;
};

}  // namespace skald::cli
