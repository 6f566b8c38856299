#include "client/spare_calls.h"

#include <algorithm>
#include <iterator>

namespace skald::client {
namespace {

constexpr std::size_t kTakenAtOnce = 64;

}  // namespace

void SpareCalls::take(std::vector<std::unique_ptr<Sequenced>>& calls) {
    const std::lock_guard lock(mutex_);
    const std::size_t taken = std::min(kTakenAtOnce, calls_.size());
    const auto first = calls_.end() - static_cast<std::ptrdiff_t>(taken);
    std::move(first, calls_.end(), std::back_inserter(calls));
    calls_.erase(first, calls_.end());
}

void SpareCalls::give(std::span<Resolved> finished) {
    for (Resolved& resolved : finished) {
        Sequenced fresh;
        fresh.request = std::move(resolved.call->request);
        *resolved.call = std::move(fresh);
    }
    const std::lock_guard lock(mutex_);
    for (Resolved& resolved : finished) {
        const std::size_t room = resolved.call->request.capacity();
        if (room <= limits::kClientSpareCallBytes && calls_.size() < limits::kClientSpareCalls) {
            calls_.push_back(std::move(resolved.call));
        }
    }
}

}  // namespace skald::client
