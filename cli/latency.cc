#include "cli/latency.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace skald::cli {

// Small numbers have a bucket each; then 64 buckets of equal width to a power of two.
std::size_t Latencies::bucket_of(std::uint64_t ns) {
    if (ns < (1U << kStepBits)) {
        return static_cast<std::size_t>(ns);
    }
    const unsigned shift = static_cast<unsigned>(std::bit_width(ns)) - 1 - kStepBits;
    return (static_cast<std::size_t>(shift) << kStepBits) + static_cast<std::size_t>(ns >> shift);
}

std::uint64_t Latencies::top_of(std::size_t bucket) {
    if (bucket < (1U << kStepBits)) {
        return bucket;
    }
    const std::size_t shift = (bucket >> kStepBits) - 1;
    const std::uint64_t step = (bucket & ((1U << kStepBits) - 1)) + (1U << kStepBits);
    return ((step + 1) << shift) - 1;
}

void Latencies::add(std::chrono::nanoseconds duration) {
    const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(0, duration.count()));
    ++counts_[bucket_of(ns)];
    ++count_;
    max_ = std::max(max_, ns);
}

void Latencies::add(const Latencies& others) {
    for (std::size_t i = 0; i < kBuckets; ++i) {
        counts_[i] += others.counts_[i];
    }
    count_ += others.count_;
    max_ = std::max(max_, others.max_);
}

std::chrono::nanoseconds Latencies::percentile(double part) const {
    const auto rank = static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(count_)));
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
        below += counts_[i];
        if (below >= std::max<std::uint64_t>(rank, 1)) {
            return std::chrono::nanoseconds(std::min(top_of(i), max_));
        }
    }
    return std::chrono::nanoseconds(max_);
}

}  // namespace skald::cli
