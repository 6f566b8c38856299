#include "cqrs/pause.h"

#include <algorithm>
#include <random>
#include <thread>

namespace skald::cqrs {
namespace {

std::uint64_t drawn() {
    thread_local std::mt19937_64 engine{[] {
        std::random_device device;
        return (std::uint64_t{device()} << 32) | device();
    }()};
    return engine();
}

}  // namespace

void Pause::before_attempt(unsigned n) const {
    const ConflictRetry& retry = options_.conflict;
    const unsigned doublings = std::min(n - 2, 20U);
    wait(std::min(retry.backoff * (std::int64_t{1} << doublings), retry.backoff_max));
}

void Pause::before_resend() const {
    wait(options_.conflict.backoff_max);
}

std::uint64_t Pause::random() const {
    return options_.random ? options_.random() : drawn();
}

const Clock& Pause::clock() const {
    return options_.clock != nullptr ? *options_.clock : SystemClock::instance();
}

// All of the range, so that writers who met once do not meet again.
void Pause::wait(std::chrono::microseconds most) const {
    if (most.count() <= 0) {
        return;
    }
    const auto range = static_cast<std::uint64_t>(most.count()) + 1;
    const std::chrono::microseconds length(static_cast<std::int64_t>(random() % range));
    if (options_.wait) {
        options_.wait(length);
    } else {
        std::this_thread::sleep_for(length);
    }
}

}  // namespace skald::cqrs
