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

QueueGate::Amount sum(QueueGate::Amount a, QueueGate::Amount b) {
    return {a.count + b.count, a.bytes + b.bytes};
}

}  // namespace

void QueueGate::open(std::string stream, Rules rules, Amount held) {
    const std::scoped_lock lock(mutex_);
    queues_.insert_or_assign(std::move(stream), Queue{rules, held});
    queues_count_.store(queues_.size(), std::memory_order_release);
}

void QueueGate::set(std::string_view stream, Rules rules) {
    change(stream, [&](Queues::iterator it) { it->second.rules = rules; });
}

void QueueGate::close(std::string_view stream) {
    change(stream, [&](Queues::iterator it) {
        queues_.erase(it);
        queues_count_.store(queues_.size(), std::memory_order_release);
    });
}

void QueueGate::allow_waits(bool allowed) {
    {
        const std::scoped_lock lock(mutex_);
        if (std::exchange(waits_, allowed) == allowed) {
            return;
        }
        for (auto& [stream, queue] : queues_) {
            if (!allowed && std::exchange(queue.awaited, false)) {
                room_.push_back(stream);
            }
        }
    }
    if (!allowed && on_room_) {
        on_room_();
    }
}

Result<std::chrono::nanoseconds> QueueGate::enter(std::span<const Coming> come,
                                                  std::optional<std::chrono::nanoseconds> waited) {
    const std::scoped_lock lock(mutex_);
    Queue* full = nullptr;
    for (const auto& [stream, amount] : come) {
        const auto it = queues_.find(stream);
        if (it == queues_.end()) {
            continue;
        }
        Queue& queue = it->second;
        const Amount most = queue.rules.most;
        if (!within(amount, most)) {
            return Error(Errc::request_too_large,
                         fmt::format("the queue {} holds at most {}, not {}", stream, text_of(most),
                                     text_of(amount)));
        }
        if (within(sum(queue.held, amount), most)) {
            continue;
        }
        if (!waits_ || !waited || *waited >= queue.rules.wait) {
            return Error(Errc::busy,
                         fmt::format("the queue {} is full, with {} of at most {}: try again when "
                                     "some of them are done",
                                     stream, text_of(queue.held), text_of(most)));
        }
        full = full != nullptr ? full : &queue;
    }
    if (full != nullptr) {
        full->awaited = true;
        return full->rules.wait - *waited;
    }
    for (const auto& [stream, amount] : come) {
        if (const auto it = queues_.find(stream); it != queues_.end()) {
            it->second.held = sum(it->second.held, amount);
        }
    }
    return std::chrono::nanoseconds(0);
}

std::vector<std::string> QueueGate::take_room() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(room_, {});
}

void QueueGate::leave(std::string_view stream, Amount gone) {
    change(stream, [&](Queues::iterator it) {
        Amount& held = it->second.held;
        held.count -= std::min(held.count, gone.count);
        held.bytes -= std::min(held.bytes, gone.bytes);
    });
}

std::optional<QueueGate::Amount> QueueGate::held(std::string_view stream) const {
    const std::scoped_lock lock(mutex_);
    const auto it = queues_.find(stream);
    return it == queues_.end() ? std::nullopt : std::optional(it->second.held);
}

// What is changed may make room.
void QueueGate::change(std::string_view stream,
                       const std::function<void(Queues::iterator)>& apply) {
    bool awaited = false;
    {
        const std::scoped_lock lock(mutex_);
        const auto it = queues_.find(stream);
        if (it == queues_.end()) {
            return;
        }
        awaited = std::exchange(it->second.awaited, false);
        if (awaited) {
            room_.push_back(it->first);
        }
        apply(it);
    }
    if (awaited && on_room_) {
        on_room_();
    }
}

}  // namespace skald::store
