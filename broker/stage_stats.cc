#include "broker/stage_stats.h"

#include <algorithm>

namespace skald::broker {

void Histogram::add(std::int64_t ns, std::uint64_t times) {
    const auto bucket = std::lower_bound(kBucketsNs.begin(), kBucketsNs.end(), ns);
    buckets[static_cast<std::size_t>(bucket - kBucketsNs.begin())] += times;
    count += times;
    sum_ns += ns * static_cast<std::int64_t>(times);
}

void StageStats::add(const RoundTimes& round, const store::CommitTimes& commit, Monotonic replied) {
    const bool same = run_ != 0 && round == round_ && commit.durable == commit_.durable &&
                      commit.begun == commit_.begun && replied == replied_;
    if (!same) {
        settle();
        round_ = round;
        commit_ = commit;
        replied_ = replied;
    }
    ++run_;
}

void StageStats::settle() {
    if (run_ == 0) {
        return;
    }
    // A request may be refused before a commit began: it spent its time waiting to be answered.
    const Monotonic begun = std::max(commit_.begun, round_.submitted);
    const Monotonic checked = std::max(commit_.checked, begun);
    const Monotonic durable = std::max(commit_.durable, checked);
    const std::array<Monotonic, kStages> spans{round_.drained - round_.arrived,
                                               begun - round_.submitted,
                                               round_.submitted - round_.drained,
                                               checked - begun,
                                               durable - checked,
                                               replied_ - durable};
    for (std::size_t i = 0; i < kStages; ++i) {
        stages[i].add(spans[i].count(), run_);
    }
    request.add((replied_ - round_.arrived).count(), run_);
    run_ = 0;
}

}  // namespace skald::broker
