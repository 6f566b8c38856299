#include "store/producer_table.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "store/sequence_store.h"

namespace skald::store {
namespace {

constexpr std::size_t kProducersInMemoryMax = 16384;
constexpr std::size_t kFreshRangesMax = limits::kTailEventsMax;
constexpr std::size_t kFencesInMemoryMax = 4096;
constexpr std::size_t kPutCost = 1024;  // what a small value counts for: the pages it touches

std::string fence_key(std::string_view name) {
    return std::string(1, kFenceKey).append(name);
}

}  // namespace

ProducerTable::ProducerTable(lmdb::Env& env, lmdb::Database database)
    : env_(env), database_(database) {}

Result<ProducerTable::Entry*> ProducerTable::find(const Uuid& id) {
    if (const auto it = producers_.find(id); it != producers_.end()) {
        if (!it->second.dirty) {
            ages_.splice(ages_.end(), ages_, it->second.age);
        }
        return &it->second;
    }
    auto txn = env_.read();
    if (!txn) {
        return txn.error();
    }
    auto stored = read_producer(*txn, database_, id);
    if (!stored) {
        return stored.error();
    }
    Entry entry;
    if (*stored) {
        entry.epoch = Epoch{(*stored)->epoch};
        entry.last = (*stored)->last;
        entry.any = true;
    }
    entry.age = ages_.insert(ages_.end(), id);
    Entry& placed = producers_.emplace(id, std::move(entry)).first->second;
    evict();
    return &placed;
}

Result<std::optional<Written>> ProducerTable::find_written(const Uuid& id, const Entry& entry,
                                                           std::uint64_t sequence) const {
    if (auto written = find_in(entry.fresh, sequence)) {
        return written;
    }
    if (entry.outdated) {
        return std::optional<Written>();
    }
    auto txn = env_.read();
    if (!txn) {
        return txn.error();
    }
    return read_written(*txn, database_, id, sequence);
}

Result<ProducerTable::Judged> ProducerTable::judge(const Producer& producer) {
    auto entry = find(producer.id);
    if (!entry) {
        return entry.error();
    }
    const Entry& known = **entry;
    Judged judged;
    judged.epoch = known.epoch;
    if (producer.epoch < known.epoch) {
        judged.verdict = Verdict::fenced;
        return judged;
    }
    const bool fresh_reign = producer.epoch > known.epoch || !known.any;
    const std::uint64_t next = fresh_reign ? producer.resolved_below : known.last + 1;
    if (fresh_reign || producer.sequence >= next) {
        judged.expected = std::max(next, producer.resolved_below);
        judged.verdict = producer.sequence > judged.expected ? Verdict::gap : Verdict::fresh;
        return judged;
    }
    auto written = find_written(producer.id, known, producer.sequence);
    if (!written) {
        return written.error();
    }
    if (*written) {
        judged.verdict = Verdict::repeated;
        judged.written = **written;
        return judged;
    }
    const bool in_window = known.last - producer.sequence < limits::kProducerRequestsMax;
    judged.verdict = in_window ? Verdict::already_rejected : Verdict::forgotten;
    return judged;
}

void ProducerTable::touch(const Uuid& id, Entry& entry) {
    if (!entry.dirty) {
        entry.dirty = true;
        ages_.erase(entry.age);
        dirty_.push_back(id);
    }
}

void ProducerTable::begin_epoch(const Uuid& id, Entry& entry, Epoch epoch) {
    if (epoch > entry.epoch) {
        entry.outdated = entry.outdated || entry.any;
        fresh_ranges_ -= entry.fresh.size();
        entry.fresh.clear();
        entry.epoch = epoch;
        entry.any = false;
        entry.last = 0;
    }
    touch(id, entry);
}

void ProducerTable::remember(Entry& entry, const SequenceRange& one) {
    fresh_ranges_ += add_range(entry.fresh, one) ? 1 : 0;
}

Result<void> ProducerTable::wrote(const Producer& producer, Offset first, std::uint32_t records) {
    auto entry = find(producer.id);
    if (!entry) {
        return entry.error();
    }
    Entry& known = **entry;
    // A replay at start may meet what a merge has already stored.
    if (producer.epoch < known.epoch ||
        (producer.epoch == known.epoch && known.any && producer.sequence <= known.last)) {
        return {};
    }
    begin_epoch(producer.id, known, producer.epoch);
    known.last = producer.sequence;
    known.any = true;
    remember(known, {producer.sequence, first.value, 1, records});
    return {};
}

Result<void> ProducerTable::rejected(const Producer& producer) {
    auto entry = find(producer.id);
    if (!entry) {
        return entry.error();
    }
    Entry& known = **entry;
    begin_epoch(producer.id, known, producer.epoch);
    known.last = known.any ? std::max(known.last, producer.sequence) : producer.sequence;
    known.any = true;
    return {};
}

Result<std::uint64_t> ProducerTable::fence(std::string_view name) {
    if (const auto it = fences_.find(name); it != fences_.end()) {
        return it->second.token;
    }
    auto txn = env_.read();
    if (!txn) {
        return txn.error();
    }
    auto stored = txn->get(database_, as_bytes(fence_key(name)));
    if (!stored) {
        return stored.error();
    }
    const std::uint64_t token =
        *stored && (*stored)->size() == 8 ? load_le<std::uint64_t>((*stored)->data()) : 0;
    return token;
}

void ProducerTable::raise_fence(std::string_view name, std::uint64_t token) {
    auto [it, fresh] = fences_.try_emplace(std::string(name));
    KnownFence& known = it->second;
    if (!fresh && known.token >= token) {
        return;
    }
    known.token = token;
    if (!std::exchange(known.dirty, true)) {
        dirty_fences_.emplace_back(name);
    }
}

Result<Offset> ProducerTable::covered() const {
    auto txn = env_.read();
    if (!txn) {
        return txn.error();
    }
    return read_covered(*txn, database_);
}

bool ProducerTable::merge_due(Offset end) const {
    return end - merged_ >= limits::kTailEventsMax || fresh_ranges_ >= kFreshRangesMax ||
           dirty_.size() >= kProducersInMemoryMax / 2;
}

Result<std::size_t> ProducerTable::merge_producer(lmdb::WriteTxn& txn, const Uuid& id,
                                                  Entry& entry) {
    if (entry.outdated) {
        if (auto ok = forget_written(txn, database_, id); !ok) {
            return ok.error();
        }
    }
    std::size_t bytes = kPutCost;
    if (!entry.fresh.empty()) {
        auto added = add_written(txn, database_, id, entry.fresh, entry.last);
        if (!added) {
            return added;
        }
        bytes += kPutCost + *added;
    }
    if (auto ok = write_producer(txn, database_, id, {entry.epoch.value, entry.last}); !ok) {
        return ok.error();
    }
    fresh_ranges_ -= entry.fresh.size();
    entry.fresh = {};
    entry.outdated = false;
    entry.dirty = false;
    entry.age = ages_.insert(ages_.end(), id);
    return bytes;
}

Result<std::size_t> ProducerTable::merge(lmdb::WriteTxn& txn, Offset upto, std::size_t bytes_max) {
    std::size_t bytes = 0;
    for (; !dirty_.empty() && bytes < bytes_max; dirty_.pop_front()) {
        auto put = merge_producer(txn, dirty_.front(), producers_.at(dirty_.front()));
        if (!put) {
            return put;
        }
        bytes += *put;
    }
    for (; !dirty_fences_.empty() && bytes < bytes_max; dirty_fences_.pop_front()) {
        KnownFence& known = fences_.at(dirty_fences_.front());
        if (auto ok = txn.put(database_, as_bytes(fence_key(dirty_fences_.front())),
                              std::as_bytes(std::span(&known.token, 1)));
            !ok) {
            return ok.error();
        }
        known.dirty = false;
        bytes += kPutCost;
    }
    evict();
    if (dirty()) {
        return bytes;
    }
    merged_ = upto;
    if (auto ok = write_covered(txn, database_, upto); !ok) {
        return ok.error();
    }
    if (fences_.size() > kFencesInMemoryMax) {
        fences_.clear();
    }
    return bytes;
}

// The entry used last stays: its caller holds it.
void ProducerTable::evict() {
    while (producers_.size() > kProducersInMemoryMax && ages_.size() > 1) {
        producers_.erase(ages_.front());
        ages_.pop_front();
    }
    in_memory_ = producers_.size();
}

std::size_t ProducerTable::owned_bytes() const {
    return in_memory_ * (sizeof(Entry) + 64) + fresh_ranges_ * sizeof(SequenceRange);
}

}  // namespace skald::store
