#include "store/partition_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"

namespace skald::store {
namespace {

constexpr std::size_t kRingBytesMax = 8 * limits::kMiB;
constexpr std::size_t kControlsCached = 1024;
constexpr std::size_t kStreamsKnown = 32;

Error damaged(Partition partition, std::string_view what) {
    return {Errc::corrupt, fmt::format("partition {}: {} is damaged", partition.value, what)};
}

}  // namespace

PartitionLog::PartitionLog(const Parts& parts)
    : env_(parts.env),
      partition_(parts.partition),
      databases_(parts.databases),
      ring_(kRingBytesMax),
      reader_(env_, databases_.log, partition_, ring_),
      index_(parts.index),
      heads_(parts.heads),
      producers_(env_, databases_.producers),
      recent_ids_max_(parts.recent_ids_max),
      recent_ids_(parts.recent_ids_max),
      controls_(kControlsCached),
      known_(kStreamsKnown) {}

Result<std::unique_ptr<PartitionLog>> PartitionLog::open(const Parts& parts,
                                                         const MakeRoom& make_room) {
    std::unique_ptr<PartitionLog> log(new PartitionLog(parts));
    if (auto ok = log->read_meta(); !ok) {
        return ok.error();
    }
    if (auto ok = log->read_end(); !ok) {
        return ok.error();
    }
    if (auto ok = log->replay(make_room); !ok) {
        return ok.error();
    }
    return log;
}

Result<void> PartitionLog::read_meta() {
    auto txn = env_.read();
    if (!txn) {
        return txn.error();
    }
    auto meta = read_log_meta(*txn, partition_, databases_.meta);
    if (!meta) {
        return meta.error();
    }
    meta_ = std::move(*meta);
    start_ = meta_.start.value;
    next = meta_.start;
    chain = meta_.start_chain;
    has_lifecycle_ = meta_.lifecycle;
    return {};
}

Result<void> PartitionLog::read_end() {
    auto txn = env_.read();
    if (!txn) {
        return txn.error();
    }
    auto last = reader_.last(*txn);
    if (!last) {
        return last.error();
    }
    if (*last) {
        next = (*last)->view.end();
        chain = (*last)->view.header().chain;
        clock = (*last)->view.recorded_at();
    }
    return {};
}

// What lies behind the log's last record can only be of batches that are missing.
Result<void> PartitionLog::check_covered(Offset producers_covered) const {
    const Offset covered = std::max(producers_covered, index_.covered());
    if (covered <= next) {
        return {};
    }
    Error error = damaged(partition_, fmt::format("the log: it ends at offset {}, its index knows "
                                                  "of records up to {}; what lies between",
                                                  next.value, covered.value));
    error.offset = next.value;
    return error;
}

// Below the log's start nothing is left to be indexed, also when the index begins anew.
Result<void> PartitionLog::skip_removed(const MakeRoom& make_room) {
    while (index_.end() < start()) {
        index_.skip();
        index_.set_sealable(index_.end());
        if (index_.full()) {
            if (auto ok = make_room(); !ok) {
                return ok;
            }
        }
    }
    return {};
}

// From where on ids are remembered, whatever the index holds of them (rule L3c).
Result<Offset> PartitionLog::recent_from() const {
    const Offset most =
        next - start() > recent_ids_max_ ? next - std::uint64_t{recent_ids_max_} : start();
    const auto age = std::chrono::microseconds(limits::kRecentIdsAge).count();
    auto txn = env_.read();
    if (!txn) {
        return txn.error();
    }
    return reader_.at_time(*txn, Time{clock.us - age}, most, next);
}

// A best effort: damage ends it, and is found by whoever reads the record.
void PartitionLog::remember_ids(Offset end) {
    auto from = recent_from();
    while (from && *from < end) {
        auto txn = env_.read();
        if (!txn) {
            return;
        }
        auto found = reader_.at(*txn, *from);
        if (!found || !*found) {
            return;
        }
        const wire::BatchView& batch = (*found)->view;
        for (wire::EventCursor cursor(batch); cursor.next();) {
            const EventView& event = cursor.event();
            if (!event.control && event.offset >= *from && event.offset < end) {
                recent_ids_.add(event.id, event.offset, batch.recorded_at());
            }
        }
        from = batch.end();
    }
}

Result<void> PartitionLog::replay(const MakeRoom& make_room) {
    auto producers_covered = producers_.covered();
    if (!producers_covered) {
        return producers_covered.error();
    }
    if (auto ok = check_covered(*producers_covered); !ok) {
        return ok;
    }
    if (auto ok = skip_removed(make_room); !ok) {
        return ok;
    }
    producers_.begin_at(*producers_covered);
    const ReplayFrom from{index_.end(), *producers_covered};
    Offset at = std::max(std::min(from.index, from.producers), start());
    remember_ids(at);
    while (at < next) {
        // One transaction a batch keeps each far below the age limit of read transactions.
        auto txn = env_.read();
        if (!txn) {
            return txn.error();
        }
        auto found = reader_.at(*txn, at);
        if (!found) {
            return found.error();
        }
        if (!*found || (*found)->view.base() > at) {
            return damaged(partition_, fmt::format("the log at offset {}", at.value));
        }
        if (auto ok = replay_batch((*found)->view, from); !ok) {
            return ok;
        }
        at = (*found)->view.end();
        index_.set_sealable(std::min(at, index_.end()));
        if (index_.full()) {
            if (auto ok = make_room(); !ok) {
                return ok;
            }
        }
    }
    index_.set_sealable(next);
    return {};
}

Result<void> PartitionLog::replay_batch(const wire::BatchView& batch, const ReplayFrom& from) {
    const Offset ids_from = std::min(from.index, from.producers);
    wire::EventCursor cursor(batch);
    std::uint32_t seen = 0;
    for (; cursor.next(); ++seen) {
        const EventView& event = cursor.event();
        if (event.offset >= from.index) {
            index_.add(event, cursor.hole());
        }
        if (!event.control && event.offset >= ids_from) {
            recent_ids_.add(event.id, event.offset, batch.recorded_at());
        }
    }
    if (seen != batch.size()) {
        return damaged(partition_,
                       fmt::format("the record at offset {}", batch.base().value + seen));
    }
    return replay_requests(batch, from.producers);
}

Result<void> PartitionLog::replay_requests(const wire::BatchView& batch, Offset from) {
    for (std::uint32_t i = 0; i < batch.header().requests; ++i) {
        const wire::RequestEntry entry = batch.request(i);
        if (batch.base() + entry.first_record < from) {
            continue;
        }
        if (entry.fence != wire::kNone16) {
            producers_.raise_fence(batch.name(entry.fence), entry.fence_token);
        }
        if (entry.producer == wire::kNone16 || entry.producer >= batch.header().producers) {
            continue;
        }
        const wire::ProducerEntry who = batch.producer(entry.producer);
        for (std::uint32_t r = 0; r < entry.requests; ++r) {
            const Producer producer{who.id, Epoch{who.epoch}, entry.sequence + r, 0};
            const Offset first =
                batch.base() + entry.first_record + std::uint64_t{r} * entry.records;
            if (auto ok = producers_.wrote(producer, first, entry.records); !ok) {
                return ok;
            }
        }
    }
    return {};
}

Result<StreamControl> PartitionLog::control_at(Offset lifecycle) const {
    auto data = reader_.data(lifecycle);
    if (!data) {
        return data.error();
    }
    auto control = *data ? decode_control(**data) : std::nullopt;
    if (!control) {
        return damaged(partition_,
                       fmt::format("the lifecycle record at offset {}", lifecycle.value));
    }
    return *control;
}

Result<StreamFacts> PartitionLog::facts(std::string_view stream) {
    const HeadCache::Key key = heads_.key(stream);
    if (const auto found = heads_.find(key)) {
        return StreamFacts{*found, {}, {}};
    }
    const Known& entry = known(key);
    if (entry.stream == stream) {
        return entry.facts;
    }
    auto facts = look_up(stream);
    if (facts) {
        remember(stream, key, *facts);
    }
    return facts;
}

void PartitionLog::remember(std::string_view stream, const HeadCache::Key& key,
                            const StreamFacts& facts) {
    if (facts.lifecycle) {
        Known& entry = known(key);
        entry.stream.assign(stream);
        entry.facts = facts;
    } else if (facts.next.value != 0) {
        heads_.put(key, facts.next);
    }
}

void PartitionLog::wrote(std::string_view stream, const std::optional<StreamFacts>& facts) {
    const HeadCache::Key key = heads_.key(stream);
    if (facts) {
        remember(stream, key, *facts);
        return;
    }
    heads_.forget(key);
    if (known(key).stream == stream) {
        known(key).stream.clear();
    }
}

Result<StreamFacts> PartitionLog::look_up(std::string_view stream) {
    auto head = index_.head(stream);
    if (!head) {
        return head.error();
    }
    if (!*head) {
        return StreamFacts{};
    }
    StreamFacts facts{(*head)->next, {}, (*head)->lifecycle};
    if (!facts.lifecycle || is_ours(stream)) {
        return facts;
    }
    if (const auto it = pending_controls_.find(facts.lifecycle->value);
        it != pending_controls_.end()) {
        facts.control = it->second;
        facts.settle_next();
        return facts;
    }
    Control& cached = controls_[facts.lifecycle->value % controls_.size()];
    // One up, so that an empty slot matches no offset.
    if (cached.offset != *facts.lifecycle + 1) {
        auto control = control_at(*facts.lifecycle);
        if (!control) {
            return control.error();
        }
        cached = {*facts.lifecycle + 1, *control};
    }
    facts.control = cached.control;
    facts.settle_next();
    return facts;
}

void PartitionLog::remember_control(Offset offset, const StreamControl& control) {
    pending_controls_[offset.value] = control;
    newest_lifecycle_ = offset;
}

Result<void> PartitionLog::mark_lifecycle(lmdb::WriteTxn& txn) {
    if (has_lifecycle_) {
        return {};
    }
    has_lifecycle_ = true;
    return write_lifecycle_mark(txn, databases_.meta);
}

std::size_t PartitionLog::owned_bytes() const {
    return index_.owned_bytes() + ring_.owned_bytes() + recent_ids_.owned_bytes() +
           producers_.owned_bytes();
}

}  // namespace skald::store
