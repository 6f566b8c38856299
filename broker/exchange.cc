#include "broker/exchange.h"

#include <iterator>

namespace skald::broker {

// With the lock held.
void OutcomeExchange::gather(std::uint64_t tag, const Result<store::AppendOutcome>& outcome) {
    Outcome entry;
    entry.tag = tag;
    if (outcome) {
        entry.value = *outcome;
    } else {
        entry.error = std::make_unique<Error>(outcome.error());
    }
    gathered_.outcomes.push_back(std::move(entry));
}

void OutcomeExchange::on_outcome(std::uint64_t tag, const Result<store::AppendOutcome>& outcome) {
    const std::lock_guard lock(mutex_);
    gather(tag, outcome);
}

void OutcomeExchange::on_outcomes(std::span<store::Decided> run) {
    const std::lock_guard lock(mutex_);
    for (const store::Decided& decided : run) {
        gather(decided.tag, decided.outcome);
    }
}

void OutcomeExchange::on_commit(const store::CommitTimes& times) {
    const std::lock_guard lock(mutex_);
    const bool first = gathered_.empty();
    gathered_.commits.push_back({gathered_.outcomes.size(), times});
    // With the lock: whoever takes the commit may end the node.
    if (first) {
        wake_();
    }
}

void OutcomeExchange::on_waits(std::uint64_t tag) {
    const std::lock_guard lock(mutex_);
    const bool first = gathered_.empty();
    gathered_.waits.push_back(tag);
    if (first) {
        wake_();
    }
}

void OutcomeExchange::take(OutcomeBatch& batch) {
    const std::lock_guard lock(mutex_);
    if (gathered_.empty()) {
        return;
    }
    std::swap(batch, gathered_);
    // Outcomes of a commit that is still being told stay for the next time.
    const std::size_t complete = batch.commits.empty() ? 0 : batch.commits.back().end;
    const auto rest = batch.outcomes.begin() + static_cast<std::ptrdiff_t>(complete);
    std::move(rest, batch.outcomes.end(), std::back_inserter(gathered_.outcomes));
    batch.outcomes.resize(complete);
}

}  // namespace skald::broker
