#include "cli/append_pipeline.h"

#include <utility>

namespace skald::cli {
namespace {

constexpr std::size_t kRequestOverhead = 64;
constexpr std::size_t kEventOverhead = 96;
constexpr std::size_t kFieldOverhead = 8;

}  // namespace

std::size_t bytes_of(const Append& append) {
    std::size_t bytes = kRequestOverhead;
    for (const StreamAppend& stream : append.streams) {
        bytes += kFieldOverhead + stream.stream.size();
        for (const NewEvent& event : stream.events) {
            bytes += kEventOverhead + event.type.size() + event.data.size() +
                     event.content_type.size() + event.correlation_id.size() +
                     event.causation_id.size() + event.command_id.size() +
                     event.trace_context.size();
            for (const auto& [key, value] : event.metadata) {
                bytes += kFieldOverhead + key.size() + value.size();
            }
            for (const std::string& tag : event.tags) {
                bytes += kFieldOverhead + tag.size();
            }
        }
    }
    return bytes;
}

AppendPipeline::AppendPipeline(EventStore& store, std::size_t in_flight, OnOutcomes on_outcomes)
    : store_(store),
      in_flight_(in_flight),
      on_outcomes_(std::move(on_outcomes)),
      thread_([this] { hand_on(); }) {}

bool AppendPipeline::submit(std::uint64_t tag, Append append) {
    const std::uint64_t number = take_slot(tag, bytes_of(append));
    {
        const std::lock_guard lock(mutex_);
        submitting_ = number;
        submitter_ = std::this_thread::get_id();
        alone_ = slots_.size() == 1;
        first_then_ = first_;
    }
    store_.append_async(std::move(append), [this, number](Result<Receipt> result) {
        if (!refused_at_once(number, result)) {
            settle(number, std::move(result));
        }
    });
    return !take_back();
}

// Whether the store refused the append before it took it, so that nothing submitted later can be
// before it. With nothing else under way there is no answer to wait for: then busy is the outcome.
bool AppendPipeline::refused_at_once(std::uint64_t number, const Result<Receipt>& result) {
    const std::lock_guard lock(mutex_);
    if (result || result.error().code != Errc::busy || submitting_ != number ||
        submitter_ != std::this_thread::get_id() || alone_) {
        return false;
    }
    refused_ = true;
    return true;
}

// Gives a refused append's place back, and waits until one before it is answered.
bool AppendPipeline::take_back() {
    std::unique_lock lock(mutex_);
    submitting_.reset();
    if (!std::exchange(refused_, false)) {
        return false;
    }
    bytes_ -= slots_.back().bytes;
    slots_.pop_back();
    // An answer may have come since the store refused.
    room_.wait(lock, [&] { return slots_.empty() || first_ != first_then_; });
    return true;
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
