// A hosted consumer that is the queue of a stream.
#include "base/limits.h"
#include "broker/consumers/hosted_consumer.h"

namespace skald::broker {

// While nothing is appended: what comes later is counted as it comes.
Result<void> HostedConsumer::open_queue() {
    const auto& settings = entry_.settings;
    if (!settings.queue) {
        return {};
    }
    return parts_.volume.inline_host().alone([&]() -> Result<void> {
        const auto held = count_open();
        if (!held) {
            return held.error();
        }
        queue_ = std::make_unique<QueueKeeper>(
            QueueKeeper::Parts{parts_.volume, parts_.listener, entry_.born | kRemovalTag},
            settings.selection.name, *settings.queue, *held);
        return {};
    });
}

// What the records speak of, and what is in the log behind that.
Result<store::QueueGate::Amount> HostedConsumer::count_open() {
    if (auto ok = open_cursor(); !ok) {
        return ok.error();
    }
    store::QueueGate::Amount open = consumer_.kept();
    store::ReadBudget budget;
    budget.events = static_cast<std::uint32_t>(limits::kConsumerPageEventsMax);
    budget.bytes = limits::kPageBytesMax;
    for (bool end = false; !end;) {
        auto step = cursor_->next_events(budget);
        if (!step) {
            return step.error();
        }
        for (const EventView& event : step->events) {
            if (!consumer_.knows({event.partition, event.offset})) {
                ++open.count;
                open.bytes += store::kept_bytes(event);
            }
        }
        end = step->end;
    }
    cursor_.reset();
    return open;
}

void HostedConsumer::close_queue() {
    if (queue_ != nullptr) {
        queue_->close();
    }
}

void HostedConsumer::keep_queue() {
    if (queue_ != nullptr) {
        queue_->left(std::exchange(consumer_.effects().left, {}));
        consumer_.drop_oldest(queue_->over(consumer_.unrecorded()));
    }
}

// With a record on its way that says what is done, the removal waits for it.
void HostedConsumer::plan_removal(Consumer::Now now) {
    if (queue_ == nullptr) {
        return;
    }
    const auto next = queue_->next_removal();
    if (next && *next <= now.monotonic && consumer_.said_all()) {
        queue_->plan(consumer_.removal(), now.monotonic);
    }
    if (write_ == nullptr) {
        queue_->begin();
    }
}

}  // namespace skald::broker
