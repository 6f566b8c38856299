// What is done with every message on its way, as functions that compose: Bus::use(...).
//
// Threads: any number of messages at once; what is handed in must bear that.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "skald/clock.h"
#include "skald/cqrs/bus.h"

namespace skald::cqrs {

// The check's error is the answer; other messages pass.
template <AnyMessage M>
Middleware validate(std::function<Result<void>(const M&)> check) {
    return [check = std::move(check)](const Message& message, const Next& next) -> Result<Reply> {
        if (const M* value = message.as<M>()) {
            if (auto ok = check(*value); !ok) {
                return ok.error();
            }
        }
        return next(message);
    };
}

// `forbidden` unless `may` holds; SendOptions::sender says who.
Middleware authorise(std::function<bool(const Message&)> may);

// A line for each message when it is done: `Withdraw ok 130 us`, or `rejected`, or the error's name
// and message. `clock` outlives it; null: the machine's.
Middleware log(std::function<void(const std::string& line)> write, const Clock* clock = nullptr);

// Counts and latencies by message.
class Meter {
  public:
    static constexpr std::size_t kBuckets = 32;
    struct Figures {
        std::uint64_t done = 0;      // all of them
        std::uint64_t rejected = 0;  // by the rules
        std::uint64_t failed = 0;    // ended with an error
        std::chrono::microseconds total{0};
        std::chrono::microseconds longest{0};
        // How many took less than 2^i us, and not less than half that.
        std::array<std::uint64_t, kBuckets> buckets{};

        // The bound of the bucket that the share of messages, 0-1, falls into: 0.99 gives what
        // one in a hundred exceeded. 0 without messages.
        std::chrono::microseconds at_share(double share) const;
    };

    // `clock` outlives it; null: the machine's.
    explicit Meter(const Clock* clock = nullptr);
    void note(const std::string& name, const Result<Reply>& reply, Monotonic took);
    // By name of message.
    std::map<std::string, Figures> figures() const;
    const Clock& clock() const { return clock_; }

  private:
    const Clock& clock_;
    mutable std::mutex mutex_;  // guards figures_
    std::map<std::string, Figures> figures_;
};

// Unknown messages are not counted: their names come from anywhere. `meter` outlives it.
Middleware measure(Meter& meter);

}  // namespace skald::cqrs
