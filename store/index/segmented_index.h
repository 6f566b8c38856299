// The PartitionIndex: tail segments in memory before runs on the disk.
//
// What is where changes in three ways only, each under mutex_ held exclusively: the active segment
// rolls (its successor begins where it ends), a commit with a new manifest is published (sealed
// segments below its covered() retire, replaced runs go), retired things are dropped.
//
// head() searches holding mutex_ shared and no transaction. That is safe because blocks of replaced
// runs are erased only in commits after the one that was published here.
//
// A transaction older than the last published manifest needs what was retired since; it is kept
// until no reader in the environment is as old, and at most kRetiredMax steps back. A snapshot that
// needs more is refused with busy: its transaction is then far older than any may be.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <shared_mutex>
#include <vector>

#include "store/index.h"
#include "store/index/run_set.h"
#include "store/index/tail_segment.h"

namespace skald::store::index {

inline constexpr std::size_t kSealedMax = 4;   // segments that wait to be runs; then full()
inline constexpr std::size_t kRetiredMax = 8;  // published manifests remembered

struct IndexDatabases {
    lmdb::Database runs;
    lmdb::Database manifest;
};

class SegmentedIndex final : public PartitionIndex {
  public:
    using Segment = std::shared_ptr<const TailSegment>;

    static Result<std::unique_ptr<SegmentedIndex>> open(lmdb::Env& env, Partition partition);
    ~SegmentedIndex() override;

    Offset covered() const override;
    Offset end() const override { return Offset(end_.load(std::memory_order_acquire)); }
    void add(const EventView& event, bool hole) override;
    void skip() override;
    Result<std::optional<StreamHead>> head(std::string_view stream) const override;
    Result<std::unique_ptr<IndexSnapshot>> snapshot(const lmdb::ReadTxn& txn,
                                                    Offset below) const override;
    void set_sealable(Offset high_watermark) override;
    bool full() const override { return sealed_count_.load() >= kSealedMax; }
    std::size_t owned_bytes() const override;

    // For maintenance.
    Partition partition() const { return partition_; }
    const IndexDatabases& databases() const { return databases_; }
    std::size_t block_bytes_min() const;
    std::uint64_t next_run_id() { return next_run_id_.fetch_add(1); }
    std::shared_ptr<const RunSet> runs() const;
    // The oldest segment that begins at or after `from` and may be sealed; its run begins where the
    // one before it ended.
    Segment sealable_from(Offset from) const;
    // Makes a manifest that was committed the visible one. The writer's.
    Result<void> publish(const Manifest& manifest);
    // Called when there may be something new to seal; from the writer's thread. Before start-up.
    void on_sealable(std::function<void()> callback) { on_sealable_ = std::move(callback); }

  private:
    struct Retired {
        std::shared_ptr<const RunSet> runs;
        std::vector<Segment> segments;
        std::uint64_t txn = 0;  // the first that does not need it
    };

    SegmentedIndex(lmdb::Env& env, Partition partition, IndexDatabases databases);
    Result<void> load();
    void roll();
    void drop_retired();
    Result<std::shared_ptr<const RunSet>> runs_of(const lmdb::ReadTxn& txn) const;
    std::vector<Segment> segments_from(Offset covered) const;

    lmdb::Env& env_;
    const Partition partition_;
    const IndexDatabases databases_;
    std::function<void()> on_sealable_;
    std::atomic<std::uint64_t> next_run_id_{1};
    std::atomic<std::uint64_t> end_{0};
    std::atomic<std::uint64_t> sealable_{0};
    std::atomic<std::size_t> sealed_count_{0};
    TailSegment* adding_ = nullptr;  // active_, for the thread that adds
    unsigned commits_ = 0;           // since retired things were looked at

    mutable std::shared_mutex mutex_;
    std::shared_ptr<const RunSet> runs_;
    std::vector<Segment> sealed_;  // oldest first
    std::shared_ptr<TailSegment> active_;
    std::deque<Retired> retired_;  // oldest first
};

}  // namespace skald::store::index
