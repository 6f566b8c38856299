#include "store/index/segmented_index.h"

#include <fmt/format.h>

#include <limits>
#include <mutex>

#include "base/check.h"
#include "store/index/snapshot.h"

namespace skald::store {

PartitionIndex::~PartitionIndex() = default;

Result<std::unique_ptr<PartitionIndex>> PartitionIndex::open(lmdb::Env& env, Partition partition) {
    auto opened = index::SegmentedIndex::open(env, partition);
    if (!opened) {
        return opened.error();
    }
    return std::unique_ptr<PartitionIndex>(std::move(*opened));
}

namespace index {
namespace {

constexpr std::uint64_t kEverything = std::numeric_limits<std::uint64_t>::max();
constexpr unsigned kCommitsPerLook = 16;

Result<IndexDatabases> open_databases(lmdb::Env& env, Partition partition) {
    auto txn = env.write();
    if (!txn) {
        return txn.error();
    }
    auto runs = txn->open(fmt::format("p{}.runs", partition.value).c_str(), lmdb::Keys::integers);
    if (!runs) {
        return runs.error();
    }
    auto manifest = txn->open(fmt::format("p{}.index", partition.value).c_str(), lmdb::Keys::bytes);
    if (!manifest) {
        return manifest.error();
    }
    if (auto done = std::move(*txn).commit(); !done) {
        return done.error();
    }
    return IndexDatabases{*runs, *manifest};
}

Result<Manifest> read_manifest(const lmdb::Txn& txn, const IndexDatabases& databases,
                               Partition partition) {
    const auto value = txn.get(databases.manifest, as_bytes(kManifestKey));
    if (!value) {
        return value.error();
    }
    if (!*value) {
        return Manifest{};
    }
    auto manifest = parse_manifest(**value);
    if (!manifest) {
        return Error(Errc::corrupt,
                     fmt::format("partition {}: the list of index runs is damaged or of a version "
                                 "this program does not know",
                                 partition.value));
    }
    return std::move(*manifest);
}

}  // namespace

SegmentedIndex::SegmentedIndex(lmdb::Env& env, Partition partition, IndexDatabases databases)
    : env_(env), partition_(partition), databases_(databases) {}

SegmentedIndex::~SegmentedIndex() = default;

Result<std::unique_ptr<SegmentedIndex>> SegmentedIndex::open(lmdb::Env& env, Partition partition) {
    auto databases = open_databases(env, partition);
    if (!databases) {
        return databases.error();
    }
    std::unique_ptr<SegmentedIndex> index(new SegmentedIndex(env, partition, *databases));
    if (auto ok = index->load(); !ok) {
        return ok.error();
    }
    return index;
}

Result<void> SegmentedIndex::load() {
    auto txn = env_.read();
    if (!txn) {
        return txn.error();
    }
    auto manifest = read_manifest(*txn, databases_, partition_);
    if (!manifest) {
        return manifest.error();
    }
    auto cursor = lmdb::Cursor::open(*txn, databases_.runs);
    if (!cursor) {
        return cursor.error();
    }
    const auto last = cursor->last();
    if (!last) {
        return last.error();
    }
    // Above every run there is, half written ones included.
    next_run_id_ = *last ? run_of((*last)->number()) + 1 : 1;
    auto runs = open_runs(*txn, databases_.runs, std::move(*manifest), nullptr);
    if (!runs) {
        return runs.error();
    }
    runs_ = std::move(*runs);
    for (const RunInfo& run : runs_->manifest.runs) {
        next_run_id_ = std::max(next_run_id_.load(), run.id + 1);
    }
    active_ = std::make_shared<TailSegment>(runs_->manifest.covered());
    adding_ = active_.get();
    end_ = active_->end().value;
    return {};
}

std::size_t SegmentedIndex::block_bytes_min() const {
    return env_.info().page_bytes / 2;
}

Offset SegmentedIndex::covered() const {
    const std::shared_lock lock(mutex_);
    return runs_->manifest.covered();
}

std::shared_ptr<const RunSet> SegmentedIndex::runs() const {
    const std::shared_lock lock(mutex_);
    return runs_;
}

void SegmentedIndex::add(const EventView& event, bool hole) {
    SKALD_CHECK(event.offset == end(), "records are added in the order of their offsets");
    adding_->add(event, hole);
    end_.store(adding_->end().value, std::memory_order_release);
    if (adding_->full()) {
        roll();
    }
}

void SegmentedIndex::skip() {
    adding_->skip();
    end_.store(adding_->end().value, std::memory_order_release);
    if (adding_->full()) {
        roll();
    }
}

void SegmentedIndex::roll() {
    auto next = std::make_shared<TailSegment>(adding_->end());
    const std::unique_lock lock(mutex_);
    sealed_.push_back(std::move(active_));
    active_ = std::move(next);
    adding_ = active_.get();
    sealed_count_ = sealed_.size();
}

Result<std::optional<StreamHead>> SegmentedIndex::head(std::string_view stream) const {
    HeadSearch search{Target::of(EntryKind::stream, stream), kEverything, {}, {}};
    const std::shared_lock lock(mutex_);
    search.look_into(*active_, 0);
    for (auto segment = sealed_.rbegin(); segment != sealed_.rend(); ++segment) {
        search.look_into(**segment, 0);
    }
    if (auto ok = search.look_into(*runs_); !ok) {
        return ok.error();
    }
    return search.result();
}

Result<std::shared_ptr<const RunSet>> SegmentedIndex::runs_of(const lmdb::ReadTxn& txn) const {
    const auto value = txn.get(databases_.manifest, as_bytes(kManifestKey));
    if (!value) {
        return value.error();
    }
    const std::uint64_t generation = peek_generation(*value);
    std::shared_ptr<const RunSet> newest;
    {
        const std::shared_lock lock(mutex_);
        newest = runs_;
        for (const Retired& retired : retired_) {
            if (retired.runs->manifest.generation == generation) {
                newest = retired.runs;
            }
        }
    }
    if (newest->manifest.generation == generation) {
        return newest;
    }
    auto manifest = read_manifest(txn, databases_, partition_);
    if (!manifest) {
        return manifest.error();
    }
    return open_runs(txn, databases_.runs, std::move(*manifest), newest.get());
}

std::vector<SegmentedIndex::Segment> SegmentedIndex::segments_from(Offset covered) const {
    std::vector<Segment> segments;
    const auto take = [&](const Segment& segment) {
        if (segment->end() > covered) {
            segments.push_back(segment);
        }
    };
    const std::shared_lock lock(mutex_);
    for (const Retired& retired : retired_) {
        for (const Segment& segment : retired.segments) {
            take(segment);
        }
    }
    for (const Segment& segment : sealed_) {
        take(segment);
    }
    segments.push_back(active_);
    return segments;
}

Result<std::unique_ptr<IndexSnapshot>> SegmentedIndex::snapshot(const lmdb::ReadTxn& txn,
                                                                Offset below) const {
    auto runs = runs_of(txn);
    if (!runs) {
        return runs.error();
    }
    const Offset covered = (*runs)->manifest.covered();
    auto segments = segments_from(covered);
    if (segments.front()->begin() > covered && covered < below) {
        return Error(Errc::busy, "the read transaction is too old for the index; begin another");
    }
    return std::unique_ptr<IndexSnapshot>(
        std::make_unique<Snapshot>(std::move(*runs), std::move(segments), below));
}

void SegmentedIndex::set_sealable(Offset high_watermark) {
    sealable_.store(high_watermark.value, std::memory_order_release);
    if (sealed_count_.load() > 0 && on_sealable_) {
        on_sealable_();
    }
    if (++commits_ >= kCommitsPerLook) {
        commits_ = 0;
        drop_retired();
    }
}

SegmentedIndex::Segment SegmentedIndex::sealable_from(Offset from) const {
    const Offset sealable(sealable_.load(std::memory_order_acquire));
    const std::shared_lock lock(mutex_);
    for (const Segment& segment : sealed_) {
        if (segment->begin() >= from) {
            return segment->end() <= sealable ? segment : nullptr;
        }
    }
    return nullptr;
}

Result<void> SegmentedIndex::publish(const Manifest& manifest) {
    auto txn = env_.read();
    if (!txn) {
        return txn.error();
    }
    auto runs = open_runs(*txn, databases_.runs, manifest, runs_.get());
    if (!runs) {
        return runs.error();
    }
    const std::uint64_t id = txn->id();
    Retired dropped;
    {
        const std::unique_lock lock(mutex_);
        Retired retired{std::exchange(runs_, std::move(*runs)), {}, id};
        while (!sealed_.empty() && sealed_.front()->end() <= runs_->manifest.covered()) {
            retired.segments.push_back(std::move(sealed_.front()));
            sealed_.erase(sealed_.begin());
        }
        sealed_count_ = sealed_.size();
        retired_.push_back(std::move(retired));
        if (retired_.size() > kRetiredMax) {
            dropped = std::move(retired_.front());
            retired_.pop_front();
        }
    }
    drop_retired();
    return {};
}

void SegmentedIndex::drop_retired() {
    if (retired_.empty()) {
        return;
    }
    const std::uint64_t oldest = env_.info().oldest_reader_txn;
    std::vector<Retired> dropped;  // freed after the lock
    const std::unique_lock lock(mutex_);
    while (!retired_.empty() && retired_.front().txn <= oldest) {
        dropped.push_back(std::move(retired_.front()));
        retired_.pop_front();
    }
}

std::size_t SegmentedIndex::owned_bytes() const {
    const std::shared_lock lock(mutex_);
    std::size_t bytes = sizeof *this + active_->owned_bytes() + runs_->owned_bytes();
    for (const Segment& segment : sealed_) {
        bytes += segment->owned_bytes();
    }
    for (const Retired& retired : retired_) {
        for (const Segment& segment : retired.segments) {
            bytes += segment->owned_bytes();
        }
    }
    return bytes;
}

}  // namespace index
}  // namespace skald::store
