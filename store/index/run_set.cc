#include "store/index/run_set.h"

#include <algorithm>

namespace skald::store::index {
namespace {

std::shared_ptr<const Run> find_run(const RunSet* known, std::uint64_t id) {
    if (known != nullptr) {
        for (const auto& run : known->runs) {
            if (run->info().id == id) {
                return run;
            }
        }
    }
    return nullptr;
}

}  // namespace

std::size_t RunSet::owned_bytes() const {
    std::size_t bytes = 0;
    for (const auto& run : runs) {
        bytes += run->owned_bytes();
    }
    return bytes;
}

std::size_t RunSet::count_of_level(std::uint32_t level) const {
    return static_cast<std::size_t>(
        std::count_if(manifest.runs.begin(), manifest.runs.end(),
                      [&](const RunInfo& run) { return run.level == level; }));
}

Result<std::shared_ptr<const RunSet>> open_runs(const lmdb::Txn& txn, lmdb::Database runs,
                                                Manifest manifest, const RunSet* known) {
    auto set = std::make_shared<RunSet>();
    for (const RunInfo& info : manifest.runs) {
        auto run = find_run(known, info.id);
        if (run == nullptr) {
            auto opened = Run::open(txn, runs, info);
            if (!opened) {
                return opened.error();
            }
            run = std::move(*opened);
        }
        set->runs.push_back(std::move(run));
    }
    set->manifest = std::move(manifest);
    return std::shared_ptr<const RunSet>(std::move(set));
}

void HeadSearch::look_into(const TailSegment& segment, std::uint64_t floor) {
    if (!last) {
        last = newest(segment, target, floor, below);
    }
    if (!lifecycle && segment.has_lifecycles()) {
        if (const auto found = newest(segment, target.lifecycle(), floor, below)) {
            lifecycle = found->offset;
        }
    }
}

Result<void> HeadSearch::look_into(const Run& run) {
    if (!last) {
        auto found = newest(run, target, below);
        if (!found) {
            return found.error();
        }
        last = *found;
    }
    if (!lifecycle && run.info().lifecycles > 0) {
        const auto found = newest(run, target.lifecycle(), below);
        if (!found) {
            return found.error();
        }
        if (*found) {
            lifecycle = (*found)->offset;
        }
    }
    return {};
}

Result<void> HeadSearch::look_into(const RunSet& set) {
    // Most runs answer "not here" after a cache miss or two; this overlaps them.
    for (const auto& run : set.runs) {
        run->prefetch(target.hash);
    }
    for (auto run = set.runs.rbegin(); run != set.runs.rend() && !done(); ++run) {
        const bool useless = last && (*run)->info().lifecycles == 0;
        if (useless || (*run)->low().value >= below) {
            continue;
        }
        if (auto ok = look_into(**run); !ok) {
            return ok;
        }
    }
    return {};
}

std::optional<StreamHead> HeadSearch::result() const {
    if (!last && !lifecycle) {
        return std::nullopt;
    }
    StreamHead head;
    head.lifecycle = lifecycle;
    if (last) {
        head.next = last->version + 1;
        head.last = last->offset;
    }
    return head;
}

}  // namespace skald::store::index
