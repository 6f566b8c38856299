// Where the volume's writer leaves outcomes for the node's thread. Bounded by the requests in
// flight.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "store/volume.h"

namespace skald::broker {

struct Outcome {
    std::uint64_t tag = 0;
    store::AppendOutcome value;
    std::unique_ptr<Error> error;  // instead of the value
};

// What came together: each commit's outcomes end at `end`.
struct OutcomeBatch {
    struct Commit {
        std::size_t end = 0;
        store::CommitTimes times;
    };
    std::vector<Outcome> outcomes;
    std::vector<Commit> commits;
    std::vector<std::uint64_t> waits;  // tags of requests that were copied, before their outcomes

    bool empty() const { return commits.empty() && waits.empty(); }
    void clear() {
        outcomes.clear();
        commits.clear();
        waits.clear();
    }
};

// Thread safe.
class OutcomeExchange final : public store::AppendListener {
  public:
    // `wake` is called once for whatever gathers until the next take(), which it must not call.
    explicit OutcomeExchange(std::function<void()> wake) : wake_(std::move(wake)) {}

    void on_outcome(std::uint64_t tag, const Result<store::AppendOutcome>& outcome) override;
    void on_outcomes(std::span<store::Decided> run) override;
    void on_commit(const store::CommitTimes& times) override;
    void on_waits(std::uint64_t tag) override;
    // Swaps what is complete into `batch`, which must be empty.
    void take(OutcomeBatch& batch);

  private:
    void gather(std::uint64_t tag, const Result<store::AppendOutcome>& outcome);

    std::function<void()> wake_;
    std::mutex mutex_;
    OutcomeBatch gathered_;  // guarded by mutex_
};

}  // namespace skald::broker
