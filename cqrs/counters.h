// What RepositoryStats are taken from.
//
// Threads: any.
#pragma once

#include <atomic>
#include <cstdint>

#include "skald/cqrs/options.h"

namespace skald::cqrs {

struct Counters {
    std::atomic<std::uint64_t> loads{0};
    std::atomic<std::uint64_t> events_folded{0};
    std::atomic<std::uint64_t> cache_hits{0};
    std::atomic<std::uint64_t> snapshots_used{0};
    std::atomic<std::uint64_t> snapshots_ignored{0};
    std::atomic<std::uint64_t> snapshots_written{0};
    std::atomic<std::uint64_t> snapshots_failed{0};
    std::atomic<std::uint64_t> conflicts{0};
    std::atomic<std::uint64_t> repeats{0};

    RepositoryStats stats() const {
        return {loads,
                events_folded,
                cache_hits,
                snapshots_used,
                snapshots_ignored,
                snapshots_written,
                snapshots_failed,
                conflicts,
                repeats};
    }
};

}  // namespace skald::cqrs
