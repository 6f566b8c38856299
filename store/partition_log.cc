#include "store/partition_log.h"

#include <fmt/format.h>

#include "base/limits.h"

namespace skald::store {
namespace {

constexpr std::string_view kLineageKey = "lineage";
constexpr std::string_view kEpochKey = "epoch";
constexpr std::string_view kStartKey = "start";
constexpr std::string_view kLifecycleKey = "lifecycle";
constexpr std::size_t kRingBytesMax = 8 * limits::kMiB;
constexpr std::size_t kControlsCached = 1024;

struct StoredStart {
    std::uint64_t offset = 0;
    wire::ChainHash chain{};
};

template <typename T>
Bytes bytes_of(const T& value) {
    return std::as_bytes(std::span(&value, 1));
}

Error damaged(Partition partition, std::string_view what) {
    return {Errc::corrupt, fmt::format("partition {}: {} is damaged", partition.value, what)};
}

Result<void> write_new_meta(lmdb::WriteTxn& txn, lmdb::Database meta, const Uuid& lineage) {
    const Lineage first{lineage, Offset{}};
    const std::uint64_t epoch = 1;
    const StoredStart start;
    if (auto ok = txn.put(meta, as_bytes(kLineageKey), bytes_of(first)); !ok) {
        return ok;
    }
    if (auto ok = txn.put(meta, as_bytes(kEpochKey), bytes_of(epoch)); !ok) {
        return ok;
    }
    return txn.put(meta, as_bytes(kStartKey), bytes_of(start));
}

}  // namespace

Result<LogDatabases> open_log_databases(lmdb::WriteTxn& txn, Partition partition,
                                        const Uuid& new_lineage) {
    LogDatabases databases;
    const struct {
        const char* name;
        lmdb::Keys keys;
        lmdb::Database& database;
    } wanted[] = {
        {"log", lmdb::Keys::integers, databases.log},
        {"meta", lmdb::Keys::bytes, databases.meta},
        {"producers", lmdb::Keys::bytes, databases.producers},
        {"snapshots", lmdb::Keys::bytes, databases.snapshots},
    };
    for (const auto& each : wanted) {
        const std::string name = fmt::format("p{}.{}", partition.value, each.name);
        auto opened = txn.open(name.c_str(), each.keys);
        if (!opened) {
            return opened.error();
        }
        each.database = *opened;
    }
    auto lineage = txn.get(databases.meta, as_bytes(kLineageKey));
    if (!lineage) {
        return lineage.error();
    }
    if (!*lineage) {
        if (auto ok = write_new_meta(txn, databases.meta, new_lineage); !ok) {
            return ok.error();
        }
    }
    return databases;
}

PartitionLog::PartitionLog(lmdb::Env& env, Partition partition, const LogDatabases& databases,
                           std::size_t recent_ids_max)
    : env_(env),
      partition_(partition),
      databases_(databases),
      ring_(kRingBytesMax),
      reader_(env, databases.log, partition, ring_),
      producers_(env, databases.producers),
      recent_ids_(recent_ids_max),
      controls_(kControlsCached) {}

Result<std::unique_ptr<PartitionLog>> PartitionLog::open(lmdb::Env& env, Partition partition,
                                                         const LogDatabases& databases,
                                                         std::size_t recent_ids_max) {
    std::unique_ptr<PartitionLog> log(new PartitionLog(env, partition, databases, recent_ids_max));
    auto index = PartitionIndex::open(env, partition);
    if (!index) {
        return index.error();
    }
    log->index_ = std::move(*index);
    for (const auto step :
         {&PartitionLog::read_meta, &PartitionLog::read_end, &PartitionLog::replay}) {
        if (auto ok = (log.get()->*step)(); !ok) {
            return ok.error();
        }
    }
    return log;
}

Result<void> PartitionLog::read_meta() {
    auto txn = env_.read();
    if (!txn) {
        return txn.error();
    }
    auto lineage = txn->get(databases_.meta, as_bytes(kLineageKey));
    auto epoch = txn->get(databases_.meta, as_bytes(kEpochKey));
    auto start = txn->get(databases_.meta, as_bytes(kStartKey));
    auto lifecycle = txn->get(databases_.meta, as_bytes(kLifecycleKey));
    for (const auto* found : {&lineage, &epoch, &start, &lifecycle}) {
        if (!*found) {
            return found->error();
        }
    }
    if (!*lineage || (*lineage)->empty() || (*lineage)->size() % sizeof(Lineage) != 0 || !*epoch ||
        (*epoch)->size() != 8 || !*start || (*start)->size() != sizeof(StoredStart)) {
        return damaged(partition_, "its meta data");
    }
    lineages_.resize((*lineage)->size() / sizeof(Lineage));
    std::memcpy(lineages_.data(), (*lineage)->data(), (*lineage)->size());
    epoch_ = Epoch{load_le<std::uint64_t>((*epoch)->data())};
    StoredStart stored;
    std::memcpy(&stored, (*start)->data(), sizeof stored);
    start_ = stored.offset;
    next = Offset{stored.offset};
    chain = stored.chain;
    has_lifecycle_ = lifecycle->has_value();
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

Result<void> PartitionLog::replay() {
    auto producers_covered = producers_.covered();
    if (!producers_covered) {
        return producers_covered.error();
    }
    const Offset index_from = index_->covered();
    Offset at = std::max(std::min(*producers_covered, index_from), start());
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
        if (auto ok = replay_batch((*found)->view, index_from, *producers_covered); !ok) {
            return ok;
        }
        at = (*found)->view.end();
    }
    index_->set_sealable(next);
    return {};
}

Result<void> PartitionLog::replay_batch(const wire::BatchView& batch, Offset index_from,
                                        Offset producers_from) {
    wire::EventCursor cursor(batch);
    std::uint32_t seen = 0;
    for (; cursor.next(); ++seen) {
        const EventView& event = cursor.event();
        if (event.offset >= index_from) {
            index_->add(event, cursor.hole());
        }
        if (!event.control) {
            recent_ids_.add(event.id, event.offset, batch.recorded_at());
        }
    }
    if (seen != batch.size()) {
        return damaged(partition_,
                       fmt::format("the record at offset {}", batch.base().value + seen));
    }
    return replay_requests(batch, producers_from);
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
    auto event = reader_.event(lifecycle);
    if (!event) {
        return event.error();
    }
    auto control = *event ? decode_control((*event)->data) : std::nullopt;
    if (!control) {
        return damaged(partition_,
                       fmt::format("the lifecycle record at offset {}", lifecycle.value));
    }
    return *control;
}

Result<StreamFacts> PartitionLog::facts(std::string_view stream) const {
    auto head = index_->head(stream);
    if (!head) {
        return head.error();
    }
    if (!*head) {
        return StreamFacts{};
    }
    StreamFacts facts{(*head)->next, {}, (*head)->lifecycle};
    if (!facts.lifecycle) {
        return facts;
    }
    if (const auto it = pending_controls_.find(facts.lifecycle->value);
        it != pending_controls_.end()) {
        facts.control = it->second;
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
    return facts;
}

void PartitionLog::remember_control(Offset offset, const StreamControl& control) {
    pending_controls_[offset.value] = control;
}

Result<void> PartitionLog::mark_lifecycle(lmdb::WriteTxn& txn) {
    if (has_lifecycle_) {
        return {};
    }
    const std::uint8_t yes = 1;
    has_lifecycle_ = true;
    return txn.put(databases_.meta, as_bytes(kLifecycleKey), bytes_of(yes));
}

std::size_t PartitionLog::owned_bytes() const {
    return index_->owned_bytes() + ring_.owned_bytes() + recent_ids_.owned_bytes() +
           producers_.owned_bytes();
}

}  // namespace skald::store
