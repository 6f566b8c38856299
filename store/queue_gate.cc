#include "store/queue_gate.h"

#include <fmt/format.h>

#include <algorithm>

namespace skald::store {
namespace {

std::string text_of(QueueGate::Amount amount) {
    return fmt::format("{} events, {} bytes", amount.count, amount.bytes);
}

bool within(QueueGate::Amount amount, QueueGate::Amount most) {
    return amount.count <= most.count && amount.bytes <= most.bytes;
}

}  // namespace

void QueueGate::open(std::string stream, Amount most, Amount held) {
    const std::scoped_lock lock(mutex_);
    queues_.insert_or_assign(std::move(stream), Queue{most, held});
    queues_count_.store(queues_.size(), std::memory_order_release);
}

void QueueGate::set_most(std::string_view stream, Amount most) {
    const std::scoped_lock lock(mutex_);
    if (const auto it = queues_.find(stream); it != queues_.end()) {
        it->second.most = most;
    }
}

void QueueGate::close(std::string_view stream) {
    const std::scoped_lock lock(mutex_);
    if (const auto it = queues_.find(stream); it != queues_.end()) {
        queues_.erase(it);
    }
    queues_count_.store(queues_.size(), std::memory_order_release);
}

Result<void> QueueGate::enter(std::string_view stream, Amount come) {
    const std::scoped_lock lock(mutex_);
    const auto it = queues_.find(stream);
    if (it == queues_.end()) {
        return {};
    }
    auto& [most, held] = it->second;
    if (!within(come, most)) {
        return Error(Errc::request_too_large, fmt::format("the queue {} holds at most {}, not {}",
                                                          stream, text_of(most), text_of(come)));
    }
    const Amount all{held.count + come.count, held.bytes + come.bytes};
    if (!within(all, most)) {
        return Error(Errc::busy,
                     fmt::format("the queue {} is full, with {} of at most {}: try again when some "
                                 "of them are done",
                                 stream, text_of(held), text_of(most)));
    }
    held = all;
    return {};
}

void QueueGate::leave(std::string_view stream, Amount gone) {
    const std::scoped_lock lock(mutex_);
    if (const auto it = queues_.find(stream); it != queues_.end()) {
        Amount& held = it->second.held;
        held.count -= std::min(held.count, gone.count);
        held.bytes -= std::min(held.bytes, gone.bytes);
    }
}

std::optional<QueueGate::Amount> QueueGate::held(std::string_view stream) const {
    const std::scoped_lock lock(mutex_);
    const auto it = queues_.find(stream);
    return it == queues_.end() ? std::nullopt : std::optional(it->second.held);
}

}  // namespace skald::store
