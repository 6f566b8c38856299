#include "store/index/maintenance.h"

namespace skald::store::index {
namespace {

RunInfo new_run(SegmentedIndex& index, Offset low, Offset high, std::uint32_t level) {
    RunInfo run;
    run.id = index.next_run_id();
    run.low = low.value;
    run.high = high.value;
    run.level = level;
    return run;
}

}  // namespace

Maintenance::Maintenance(lmdb::Env& env, std::vector<SegmentedIndex*> partitions,
                         const Clock& clock)
    : env_(env), clock_(clock) {
    for (SegmentedIndex* index : partitions) {
        auto partition = std::make_unique<Partition>();
        partition->index = index;
        partition->manifest = index->runs()->manifest;
        partition->sealed_to = partition->manifest.covered();
        partitions_.push_back(std::move(partition));
    }
}

Maintenance::Job Maintenance::job_of(Partition& partition, const RunInfo& run,
                                     std::unique_ptr<EntrySource> source) {
    return {&partition,
            std::move(source),
            std::make_unique<RunWriter>(run, partition.index->block_bytes_min()),
            {}};
}

bool Maintenance::begin_seal() {
    for (std::size_t i = 0; i < partitions_.size(); ++i) {
        Partition& partition = *partitions_[turn_++ % partitions_.size()];
        const auto segment = partition.index->sealable_from(partition.sealed_to);
        // In this order: a run is counted in runs() before it leaves new_runs.
        const std::size_t unpublished = partition.new_runs;
        const std::size_t published = partition.index->runs()->count_of_level(0);
        if (segment == nullptr || unpublished + published >= kLevelZeroMax) {
            continue;
        }
        const RunInfo run = new_run(*partition.index, partition.sealed_to, segment->end(), 0);
        seal_ = job_of(partition, run, std::make_unique<SegmentEntries>(segment));
        partition.sealed_to = segment->end();
        ++partition.new_runs;
        return true;
    }
    return false;
}

bool Maintenance::begin_merge(Partition& partition, std::uint32_t level) {
    if ((partition.merging & (1U << level)) != 0) {
        return false;
    }
    const auto runs = partition.index->runs();
    std::vector<std::shared_ptr<const Run>> inputs;
    for (const auto& run : runs->runs) {
        if (run->info().level == level && inputs.size() < kFanIn) {
            inputs.push_back(run);
        }
    }
    if (inputs.size() < kFanIn) {
        return false;
    }
    const RunInfo run =
        new_run(*partition.index, inputs.front()->low(), inputs.back()->high(), level + 1);
    Job job = job_of(partition, run, std::make_unique<MergedEntries>(inputs));
    for (const auto& input : inputs) {
        job.replaced.push_back(input->info().id);
    }
    merges_[level] = std::move(job);
    partition.merging |= 1U << level;
    return true;
}

bool Maintenance::begin_merge(std::uint32_t level) {
    for (std::size_t i = 0; i < partitions_.size(); ++i) {
        if (begin_merge(*partitions_[turn_++ % partitions_.size()], level)) {
            return true;
        }
    }
    return false;
}

bool Maintenance::has_room(const Queue& queue) const {
    const std::scoped_lock lock(mutex_);
    return queue.bytes < kReadyBytesMax;
}

Result<bool> Maintenance::step() {
    if (has_room(seals_) && (seal_ || begin_seal())) {
        if (auto ok = advance(seal_, seals_); !ok) {
            return ok.error();
        }
        return true;
    }
    if (!has_room(merged_)) {
        return false;
    }
    for (std::uint32_t level = 0; level + 1 < kLevelsMax; ++level) {
        if (merges_[level] || begin_merge(level)) {
            if (auto ok = advance(merges_[level], merged_); !ok) {
                return ok.error();
            }
            return true;
        }
    }
    return false;
}

Result<bool> Maintenance::produce(Job& job, std::vector<Block>& blocks,
                                  std::optional<RunChange>& finished) {
    const std::size_t blocks_max = limits::kSliceBytesMax / kBlockBytesMax;
    while (blocks.size() < blocks_max) {
        const auto more = job.source->next();
        if (!more) {
            return more.error();
        }
        if (!*more) {
            finished = RunChange{job.writer->finish(blocks), std::move(job.replaced)};
            return true;
        }
        job.writer->add(job.source->hash(), job.source->entry(), blocks);
    }
    return false;
}

Result<void> Maintenance::advance(std::optional<Job>& job, Queue& queue) {
    std::vector<Block> blocks;
    std::optional<RunChange> finished;
    const auto done = produce(*job, blocks, finished);
    if (!done) {
        return done.error();
    }
    if (finished && blocks.empty()) {
        blocks.emplace_back();  // carries the change alone
    }
    {
        const std::scoped_lock lock(mutex_);
        for (Block& block : blocks) {
            queue.bytes += block.bytes.size();
            queue.ready.push_back({job->partition, std::move(block), std::nullopt});
        }
        if (finished) {
            queue.ready.back().finished = std::move(finished);
        }
    }
    pending_ += blocks.size();
    if (*done) {
        job.reset();
    }
    return {};
}

}  // namespace skald::store::index
