// Seals tails into runs and merges runs, one bounded step at a time: what IndexMaintainer does,
// without its thread.
//
// step() encodes blocks into queues of at most kReadyBytesMax each; apply() puts them into the
// writer's transactions, seals before merges. The transaction that takes a run's last block lists
// the run in its partition's manifest, in place of those it was merged from; committed() makes that
// visible. Blocks of replaced runs, and of runs that a crash left half written, are erased in later
// transactions, a few at a time.
//
// Merging: kFanIn adjacent runs of one level become one of the next. Lower levels go first, and
// over all partitions one merge of a level is in the making at a time, so that memory is bounded by
// the number of levels. While a partition has kLevelZeroMax runs of level 0, its tails wait.
//
// One thread calls step(), one (the writer's) apply() and committed(); pending() is for any.
#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "store/index/entry_source.h"
#include "store/index/run_writer.h"
#include "store/index/segmented_index.h"

namespace skald::store::index {

inline constexpr std::size_t kFanIn = 4;
inline constexpr std::size_t kLevelZeroMax = 12;
inline constexpr std::size_t kLevelsMax = 24;
inline constexpr std::size_t kReadyBytesMax = 4 * limits::kSliceBytesMax;
inline constexpr std::size_t kErasesMax = 32;  // of blocks in one transaction

class Maintenance {
  public:
    Maintenance(lmdb::Env& env, std::vector<SegmentedIndex*> partitions, const Clock& clock);

    // Looks for blocks of runs that no manifest lists. Before everything else.
    Result<void> find_orphans();
    // Does one piece of work, about a slice. False when there is nothing to do now.
    Result<bool> step();

    bool pending() const { return pending_.load(std::memory_order_acquire) > 0; }
    Result<void> apply(lmdb::WriteTxn& txn);
    Result<void> committed();

  private:
    struct Partition {
        SegmentedIndex* index = nullptr;
        Offset sealed_to;                        // begun by step()
        std::atomic<std::uint32_t> merging{0};   // bit: level
        std::atomic<std::uint32_t> new_runs{0};  // of level 0, not yet published
        Manifest manifest;                       // the writer's: as of its transaction
        std::vector<RunChange> changes;          // the writer's: in its transaction
    };
    struct Job {
        Partition* partition = nullptr;
        std::unique_ptr<EntrySource> source;
        std::unique_ptr<RunWriter> writer;
        std::vector<std::uint64_t> replaced;
    };
    struct Ready {
        Partition* partition = nullptr;
        Block block;
        std::optional<RunChange> finished;
    };
    struct Queue {
        std::deque<Ready> ready;
        std::size_t bytes = 0;
    };
    struct Dead {
        Partition* partition = nullptr;
        std::uint64_t run = 0;
    };

    Job job_of(Partition& partition, const RunInfo& run, std::unique_ptr<EntrySource> source);
    bool begin_seal();
    bool begin_merge(std::uint32_t level);
    bool begin_merge(Partition& partition, std::uint32_t level);
    // Both end the job when it has nothing left.
    Result<void> advance(std::optional<Job>& job, Queue& queue);
    Result<bool> produce(Job& job, std::vector<Block>& blocks, std::optional<RunChange>& finished);
    bool has_room(const Queue& queue) const;

    std::optional<Ready> take(std::size_t bytes_left);
    Result<void> put_blocks(lmdb::WriteTxn& txn, Monotonic deadline);
    Result<void> put_manifests(lmdb::WriteTxn& txn);
    Result<void> erase_dead(lmdb::WriteTxn& txn, Monotonic deadline);
    Result<void> find_orphans(Partition& partition, const lmdb::Txn& txn);

    lmdb::Env& env_;
    const Clock& clock_;
    std::vector<std::unique_ptr<Partition>> partitions_;
    std::atomic<std::size_t> pending_{0};  // blocks that are ready, and dead runs

    // The stepping thread's.
    std::optional<Job> seal_;
    std::array<std::optional<Job>, kLevelsMax> merges_;
    std::size_t turn_ = 0;  // of partitions

    mutable std::mutex mutex_;
    Queue seals_;   // guarded by mutex_
    Queue merged_;  // guarded by mutex_

    // The writer's, and find_orphans'.
    std::deque<Dead> dead_;
};

}  // namespace skald::store::index
