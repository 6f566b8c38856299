#include "cli/append_pipeline.h"

#include <utility>

namespace skald::cli {
namespace {

std::size_t bytes_of(const Append& append) {
    std::size_t bytes = 0;
    for (const StreamAppend& stream : append.streams) {
        for (const NewEvent& event : stream.events) {
            bytes += event.data.size();
        }
    }
    return bytes;
}

}  // namespace

AppendPipeline::AppendPipeline(EventStore& store, std::size_t in_flight, OnOutcomes on_outcomes)
    : store_(store),
      in_flight_(in_flight),
      on_outcomes_(std::move(on_outcomes)),
      thread_([this] { hand_on(); }) {}

void AppendPipeline::submit(std::uint64_t tag, Append append) {
    const std::uint64_t number = take_slot(tag, bytes_of(append));
    store_.append_async(std::move(append), [this, number](Result<Receipt> result) {
        settle(number, std::move(result));
    });
}

void AppendPipeline::reject(std::uint64_t tag, Error error) {
    settle(take_slot(tag, 0), std::move(error));
}

std::uint64_t AppendPipeline::take_slot(std::uint64_t tag, std::size_t bytes) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] {
        return slots_.empty() ||
               (slots_.size() < in_flight_ && bytes_ + bytes <= kBytesInFlightMax);
    });
    slots_.push_back({tag, bytes, std::nullopt});
    bytes_ += bytes;
    return first_ + slots_.size() - 1;
}

void AppendPipeline::settle(std::uint64_t number, Result<Receipt> result) {
    // Notified under the lock: once the last outcome is known, the pipeline may be gone.
    const std::lock_guard lock(mutex_);
    slots_[number - first_].result = std::move(result);
    if (number == first_) {
        settled_.notify_one();
    }
}

void AppendPipeline::finish() {
    {
        const std::lock_guard lock(mutex_);
        finishing_ = true;
        settled_.notify_one();
    }
    if (thread_.joinable()) {
        thread_.join();
    }
}

void AppendPipeline::hand_on() {
    std::vector<Outcome> known;
    std::unique_lock lock(mutex_);
    while (true) {
        settled_.wait(lock, [this] {
            return slots_.empty() ? finishing_ : slots_.front().result.has_value();
        });
        while (!slots_.empty() && slots_.front().result) {
            Slot& slot = slots_.front();
            known.push_back({slot.tag, std::move(*slot.result)});
            bytes_ -= slot.bytes;
            slots_.pop_front();
            ++first_;
        }
        if (known.empty()) {
            return;
        }
        room_.notify_one();
        lock.unlock();
        on_outcomes_(known);
        known.clear();
        lock.lock();
    }
}

}  // namespace skald::cli
