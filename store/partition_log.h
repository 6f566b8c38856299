// One partition of a volume: its databases, its index, and the writer's view of its end.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "skald/event_store.h"
#include "store/frame_ring.h"
#include "store/head_cache.h"
#include "store/index.h"
#include "store/log_meta.h"
#include "store/log_reader.h"
#include "store/producer_table.h"
#include "store/recent_ids.h"
#include "store/stream_state.h"

namespace skald::store {

// What readers may see, taken at one moment.
struct Visible {
    Offset high_watermark;
    Time clock;                // of the newest batch below it
    std::uint32_t digest = 0;  // of the chain there
};

// What a writer's check needs to know of a stream, in-flight records included.
struct StreamFacts {
    Version next;
    StreamControl control;
    std::optional<Offset> lifecycle;
    StreamState state() const { return control.state(next); }
    // Of a stream whose events were removed from the log, only its lifecycle record may still tell
    // how far it came.
    void settle_next() { next = std::max(next, control.truncate_before); }
};

// Members in the first group never change after open, or are thread safe; those in the second
// belong to whoever writes.
class PartitionLog {
  public:
    struct Parts {
        lmdb::Env& env;
        Partition partition;
        LogDatabases databases;
        PartitionIndex& index;
        HeadCache& heads;  // shared by the partitions of a volume
        std::size_t recent_ids_max = 0;
    };
    // Reads the end of the log and replays what index and producers do not cover yet. `make_room`
    // is called when the index is full: it must let the index's maintainer write.
    using MakeRoom = std::function<Result<void>()>;
    static Result<std::unique_ptr<PartitionLog>> open(const Parts& parts,
                                                      const MakeRoom& make_room);

    Partition partition() const { return partition_; }
    const LogDatabases& databases() const { return databases_; }
    const LogReader& reader() const { return reader_; }
    PartitionIndex& index() { return index_; }
    const PartitionIndex& index() const { return index_; }
    FrameRing& ring() { return ring_; }
    const std::vector<Lineage>& lineages() const { return meta_.lineages; }
    const Lineage& lineage() const { return meta_.lineages.back(); }
    Epoch epoch() const { return meta_.epoch; }
    Offset start() const { return Offset{start_.load(std::memory_order_acquire)}; }
    // True once any stream has a lifecycle record: until then nothing is masked.
    bool has_lifecycle() const { return has_lifecycle_.load(std::memory_order_acquire); }
    // The state that a lifecycle record at the offset carries.
    Result<StreamControl> control_at(Offset lifecycle) const;
    // After the commit that removed everything below it.
    void raise_start(Offset start) { start_.store(start.value, std::memory_order_release); }

    // ---- the writer's
    Offset next;              // the next record's
    wire::ChainHash chain{};  // after the last batch
    Time clock;               // of the last batch
    ProducerTable& producers() { return producers_; }
    RecentIds& recent_ids() { return recent_ids_; }
    // In-flight records included.
    Result<StreamFacts> facts(std::string_view stream);
    // Loads what facts() of the stream will look at first.
    void prefetch(std::string_view stream) const { heads_.prefetch(heads_.key(stream)); }
    // What is known of the stream once records were added, if they were no control records; else
    // nothing.
    void wrote(std::string_view stream, const std::optional<StreamFacts>& facts);
    // Remembers a lifecycle record that is not yet committed, until forget_pending().
    void remember_control(Offset offset, const StreamControl& control);
    void forget_pending() { pending_controls_.clear(); }
    // Of the newest lifecycle record since open, in-flight ones included.
    std::optional<Offset> newest_lifecycle() const { return newest_lifecycle_; }
    Result<void> mark_lifecycle(lmdb::WriteTxn& txn);
    std::size_t owned_bytes() const;

  private:
    explicit PartitionLog(const Parts& parts);
    // What is replayed from which offset on.
    struct ReplayFrom {
        Offset index;
        Offset producers;
    };
    Result<void> read_meta();
    Result<void> read_end();
    struct Known {
        std::string stream;  // empty: none
        StreamFacts facts;
    };
    Known& known(const HeadCache::Key& key) { return known_[key.low % known_.size()]; }
    void remember(std::string_view stream, const HeadCache::Key& key, const StreamFacts& facts);
    Result<StreamFacts> look_up(std::string_view stream);
    Result<Offset> recent_from() const;
    Result<void> check_covered(Offset producers_covered) const;
    Result<void> skip_removed(const MakeRoom& make_room);
    void remember_ids(Offset end);
    Result<void> replay(const MakeRoom& make_room);
    Result<void> replay_batch(const wire::BatchView& batch, const ReplayFrom& from);
    Result<void> replay_requests(const wire::BatchView& batch, Offset from);

    lmdb::Env& env_;
    Partition partition_;
    LogDatabases databases_;
    FrameRing ring_;
    LogReader reader_;
    PartitionIndex& index_;
    HeadCache& heads_;  // of streams without a lifecycle record
    LogMeta meta_;
    std::atomic<std::uint64_t> start_{0};
    std::atomic<bool> has_lifecycle_{false};
    ProducerTable producers_;
    const std::size_t recent_ids_max_;
    RecentIds recent_ids_;
    struct Control {
        Offset offset;
        StreamControl control;
    };
    std::vector<Control> controls_;  // a cache, by offset % size
    std::vector<Known> known_;       // of others that were asked for lately, by key % size
    std::unordered_map<std::uint64_t, StreamControl> pending_controls_;
    std::optional<Offset> newest_lifecycle_;
};

}  // namespace skald::store
