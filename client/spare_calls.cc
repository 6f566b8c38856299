#include "client/spare_calls.h"

#include <algorithm>

namespace skald::client {
namespace {

constexpr std::size_t kTakenAtOnce = 64;

std::size_t bytes_of(const Sequenced& call) {
    return sizeof call + call.request.capacity() + call.members.capacity() * sizeof(Member);
}

}  // namespace

void SpareCalls::take(std::vector<std::unique_ptr<Sequenced>>& calls) {
    const std::lock_guard lock(mutex_);
    const std::size_t taken = std::min(kTakenAtOnce, calls_.size());
    const auto first = calls_.end() - static_cast<std::ptrdiff_t>(taken);
    for (auto call = first; call != calls_.end(); ++call) {
        bytes_ -= bytes_of(**call);
        calls.push_back(std::move(*call));
    }
    calls_.erase(first, calls_.end());
}

void SpareCalls::give(std::span<Resolved> finished) {
    for (Resolved& resolved : finished) {
        Sequenced fresh;
        fresh.request = std::move(resolved.call->request);
        // Here, not where the call is used again.
        resolved.call->members.clear();
        fresh.members = std::move(resolved.call->members);
        *resolved.call = std::move(fresh);
    }
    const std::lock_guard lock(mutex_);
    for (Resolved& resolved : finished) {
        const std::size_t bytes = bytes_of(*resolved.call);
        if (bytes_ + bytes <= limits::kClientSpareBytes) {
            bytes_ += bytes;
            calls_.push_back(std::move(resolved.call));
        }
    }
}

}  // namespace skald::client
