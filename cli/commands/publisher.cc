#include "cli/commands/publisher.h"

#include <fmt/format.h>

#include <thread>

namespace skald::cli {
namespace {

constexpr std::uint64_t kLookEvery = 64;
constexpr std::uint64_t kTimedEvery = 8;
constexpr std::uint64_t kFewAtOnce = 64;

Append request_of(const BenchOptions& options) {
    NewEvent event;
    event.type = "Measured";
    event.data = bench_payload(options.payload);
    return Append::many("bench-0", std::vector<NewEvent>(options.per_message, event));
}

}  // namespace

Publisher::Publisher(EventStore& store, const BenchOptions& options, const Invocation& invocation,
                     std::uint64_t number)
    : store_(store),
      options_(options),
      clock_(invocation.console.clock),
      stop_(invocation.console.stop),
      next_stream_(number),
      request_(request_of(options)) {}

void Publisher::run(Monotonic end) {
    for (std::uint64_t n = 0; wait_for_room(); ++n) {
        // Seldom: asking for a stop is a system call.
        const bool look = options_.in_flight == 1 || n % kLookEvery == 0;
        if (look && (clock_.monotonic() >= end || stop_.requested())) {
            leave();
            break;
        }
        append();
    }
    wait_until_at_most(0);
    if (refused_ && answers_ == 0 && !failed_) {
        error_ = Error(Errc::busy, "the queue is full: nothing was appended");
    }
}

// At the bound it sleeps until an eighth is free: to be woken for each answer would cost more than
// the appends.
bool Publisher::wait_for_room() {
    if (refused_) {
        wait_for_answer();
    }
    if (under_way_ >= options_.in_flight) {
        wait_until_at_most(options_.in_flight - 1 - options_.in_flight / 8);
    }
    if (failed_) {
        return false;
    }
    ++under_way_;
    return true;
}

void Publisher::wait_for_answer() {
    refused_ = false;
    const std::uint64_t left = under_way_;
    if (left > 0) {
        wait_until_at_most(left - 1 - left / 8);
    } else {
        // Others fill the queue.
        std::this_thread::yield();
    }
}

void Publisher::wait_until_at_most(std::uint64_t wanted) {
    std::unique_lock lock(mutex_);
    wanted_ = wanted;
    changed_.wait(lock, [&] { return under_way_ <= wanted; });
    wanted_ = kNobodyWaits;
}

void Publisher::leave() {
    const std::uint64_t left = --under_way_;
    const std::uint64_t wanted = wanted_;
    if (wanted != kNobodyWaits && left <= wanted) {
        const std::lock_guard lock(mutex_);
        changed_.notify_one();
    }
}

void Publisher::append() {
    if (options_.streams > 1) {
        next_stream_ += options_.connections;
        request_.streams[0].stream = fmt::format("bench-{}", next_stream_ % options_.streams);
    }
    const bool timed = options_.in_flight <= kFewAtOnce || ++appends_ % kTimedEvery == 0;
    if (!timed) {
        store_.append_async(
            request_, [this](const Result<Receipt>& receipt) { take(std::nullopt, receipt); });
        return;
    }
    const Monotonic begun = clock_.monotonic();
    if (options_.in_flight == 1) {
        take(begun, store_.append(request_));
        return;
    }
    store_.append_async(request_,
                        [this, begun](const Result<Receipt>& receipt) { take(begun, receipt); });
}

void Publisher::take(std::optional<Monotonic> begun, const Result<Receipt>& receipt) {
    if (receipt) {
        ++answers_;
        if (begun) {
            latencies_.add(clock_.monotonic() - *begun);
        }
    } else if (receipt.error().code == Errc::busy) {
        refused_ = true;
    } else if (!failed_.exchange(true)) {
        error_ = receipt.error();
    }
    leave();
}

}  // namespace skald::cli
