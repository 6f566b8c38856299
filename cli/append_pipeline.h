// Many appends under way at once, their outcomes in the order of their submission.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/limits.h"
#include "skald/event_store.h"

namespace skald::cli {

// What became of one submission. `tag` is the submitter's, as a line number.
struct Outcome {
    std::uint64_t tag = 0;
    Result<Receipt> result;
};

// What it takes on its way at most: the encoded request is not larger.
std::size_t bytes_of(const Append& append);

// Appends of one thread; outcomes are handed on by a thread of the pipeline, in runs, as soon as
// all before them are known. Bounded by requests and by bytes: submit() waits.
class AppendPipeline {
  public:
    using OnOutcomes = std::function<void(const std::vector<Outcome>&)>;

    // Far below what a client, a node or a store lets wait: no `busy` of our making.
    static constexpr std::size_t kBytesInFlightMax = limits::kClientBytesMax / 2;

    AppendPipeline(EventStore& store, std::size_t in_flight, OnOutcomes on_outcomes);
    ~AppendPipeline() { finish(); }
    AppendPipeline(const AppendPipeline&) = delete;
    AppendPipeline& operator=(const AppendPipeline&) = delete;

    // False: the store's own queue was full. Room was waited for; submit the same again.
    [[nodiscard]] bool submit(std::uint64_t tag, Append append);
    // Takes a place in the order for what cannot be appended.
    void reject(std::uint64_t tag, Error error);
    // Waits until every outcome was handed on. Nothing may be submitted afterwards.
    void finish();

  private:
    struct Slot {
        std::uint64_t tag = 0;
        std::size_t bytes = 0;
        std::optional<Result<Receipt>> result;
    };

    std::uint64_t take_slot(std::uint64_t tag, std::size_t bytes);
    void settle(std::uint64_t number, Result<Receipt> result);
    bool refused_at_once(std::uint64_t number, const Result<Receipt>& result);
    bool take_back();
    void hand_on();

    EventStore& store_;
    const std::size_t in_flight_;
    const OnOutcomes on_outcomes_;

    std::mutex mutex_;
    std::condition_variable room_;     // the submitter waits for it
    std::condition_variable settled_;  // the pipeline's thread waits for it
    std::deque<Slot> slots_;           // guarded by mutex_, like all below
    std::uint64_t first_ = 0;          // number of slots_.front()
    std::size_t bytes_ = 0;
    bool finishing_ = false;
    std::optional<std::uint64_t> submitting_;  // the number that append_async is being given
    std::thread::id submitter_;
    bool alone_ = false;            // nothing else is under way
    std::uint64_t first_then_ = 0;  // first_ when it was given
    bool refused_ = false;          // it was, before append_async returned
    std::thread thread_;
};

}  // namespace skald::cli
