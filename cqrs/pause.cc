#include "cqrs/pause.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <thread>

#include "base/random.h"

namespace skald::cqrs {
namespace {

std::uint64_t drawn() {
    thread_local std::mt19937_64 engine{random_number()};
    return engine();
}

}  // namespace

void Pause::before_attempt(unsigned n) const {
    const unsigned doublings = std::min(n - 2, 20U);
    wait(std::min(retry_.backoff * (std::int64_t{1} << doublings), retry_.backoff_max));
}

void Pause::before_resend() const {
    wait(retry_.backoff_max);
}

std::uint64_t Pause::random() const {
    return random_ ? random_() : drawn();
}

Uuid Pause::random_id() const {
    const std::uint64_t halves[2] = {random(), random()};
    Uuid id;
    static_assert(sizeof halves == sizeof id.bytes);
    std::memcpy(id.bytes.data(), halves, sizeof halves);
    return id;
}

const Clock& Pause::clock() const {
    return clock_ != nullptr ? *clock_ : SystemClock::instance();
}

// All of the range, so that writers who met once do not meet again.
void Pause::wait(std::chrono::microseconds most) const {
    if (most.count() <= 0) {
        return;
    }
    const auto range = static_cast<std::uint64_t>(most.count()) + 1;
    const std::chrono::microseconds length(static_cast<std::int64_t>(random() % range));
    if (wait_) {
        wait_(length);
    } else {
        std::this_thread::sleep_for(length);
    }
}

}  // namespace skald::cqrs
