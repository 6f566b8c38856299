#include "store/log_meta.h"

#include <fmt/format.h>

#include <array>

#include "base/limits.h"

namespace skald::store {
namespace {

constexpr unsigned kDatabasesPerPartition = 8;
constexpr std::string_view kLineageKey = "lineage";
constexpr std::string_view kEpochKey = "epoch";
constexpr std::string_view kStartKey = "start";
constexpr std::string_view kLifecycleKey = "lifecycle";

struct StoredStart {
    std::uint64_t offset = 0;
    wire::ChainHash chain{};
};

template <typename T>
Bytes bytes_of(const T& value) {
    return std::as_bytes(std::span(&value, 1));
}

struct Member {
    const char* name;
    lmdb::Keys keys;
    lmdb::Database LogDatabases::*database;
};
constexpr std::array kMembers{
    Member{"log", lmdb::Keys::integers, &LogDatabases::log},
    Member{"meta", lmdb::Keys::bytes, &LogDatabases::meta},
    Member{"producers", lmdb::Keys::bytes, &LogDatabases::producers},
    Member{"snapshots", lmdb::Keys::bytes, &LogDatabases::snapshots},
};

std::string name_in(Partition partition, const Member& member) {
    return fmt::format("p{}.{}", partition.value, member.name);
}

Error damaged(Partition partition, std::string_view what) {
    return {Errc::corrupt, fmt::format("partition {}: {}", partition.value, what)};
}

}  // namespace

lmdb::EnvOptions env_options(std::size_t map_bytes) {
    lmdb::EnvOptions options;
    options.map_bytes = map_bytes == 0 ? limits::kMapBytesDefault : map_bytes;
    options.readers_max = limits::kReadersMax;
    options.databases_max = limits::kPartitionsMax * kDatabasesPerPartition + 8 +
                            limits::kInlineHandlersMax * limits::kInlineDatabasesMax;
    return options;
}

Result<LogDatabases> open_log_databases(lmdb::WriteTxn& txn, Partition partition,
                                        const Uuid& new_lineage) {
    LogDatabases databases;
    for (const Member& member : kMembers) {
        auto opened = txn.open(name_in(partition, member).c_str(), member.keys);
        if (!opened) {
            return opened.error();
        }
        databases.*member.database = *opened;
    }
    auto lineage = txn.get(databases.meta, as_bytes(kLineageKey));
    if (!lineage) {
        return lineage.error();
    }
    if (!*lineage) {
        LogMeta fresh;
        fresh.lineages.push_back({new_lineage, Offset{}});
        if (auto ok = write_log_meta(txn, databases.meta, fresh); !ok) {
            return ok.error();
        }
    }
    return databases;
}

Result<LogDatabases> find_log_databases(lmdb::Txn& txn, Partition partition) {
    LogDatabases databases;
    for (const Member& member : kMembers) {
        auto found = txn.find(name_in(partition, member).c_str(), member.keys);
        if (!found) {
            return found.error();
        }
        if (!*found) {
            return damaged(partition, fmt::format("its database {} is missing", member.name));
        }
        databases.*member.database = **found;
    }
    return databases;
}

Result<LogMeta> read_log_meta(const lmdb::Txn& txn, Partition partition, lmdb::Database meta) {
    auto lineage = txn.get(meta, as_bytes(kLineageKey));
    auto epoch = txn.get(meta, as_bytes(kEpochKey));
    auto start = txn.get(meta, as_bytes(kStartKey));
    auto lifecycle = txn.get(meta, as_bytes(kLifecycleKey));
    for (const auto* found : {&lineage, &epoch, &start, &lifecycle}) {
        if (!*found) {
            return found->error();
        }
    }
    if (!*lineage || (*lineage)->empty() || (*lineage)->size() % sizeof(Lineage) != 0 || !*epoch ||
        (*epoch)->size() != 8 || !*start || (*start)->size() != sizeof(StoredStart)) {
        return damaged(partition, "its meta data is damaged");
    }
    LogMeta values;
    values.lineages.resize((*lineage)->size() / sizeof(Lineage));
    std::memcpy(values.lineages.data(), (*lineage)->data(), (*lineage)->size());
    values.epoch = Epoch{load_le<std::uint64_t>((*epoch)->data())};
    const auto stored = load_as<StoredStart>((*start)->data());
    values.start = Offset{stored.offset};
    values.start_chain = stored.chain;
    values.lifecycle = lifecycle->has_value();
    return values;
}

Result<void> write_log_meta(lmdb::WriteTxn& txn, lmdb::Database meta, const LogMeta& values) {
    const Bytes lineages = std::as_bytes(std::span(values.lineages));
    if (auto ok = txn.put(meta, as_bytes(kLineageKey), lineages); !ok) {
        return ok;
    }
    if (auto ok = txn.put(meta, as_bytes(kEpochKey), bytes_of(values.epoch.value)); !ok) {
        return ok;
    }
    if (auto ok = write_log_start(txn, meta, values.start, values.start_chain); !ok) {
        return ok;
    }
    return values.lifecycle ? write_lifecycle_mark(txn, meta) : Result<void>();
}

Result<void> write_log_start(lmdb::WriteTxn& txn, lmdb::Database meta, Offset start,
                             const wire::ChainHash& chain) {
    const StoredStart stored{start.value, chain};
    return txn.put(meta, as_bytes(kStartKey), bytes_of(stored));
}

Result<void> write_lifecycle_mark(lmdb::WriteTxn& txn, lmdb::Database meta) {
    const std::uint8_t yes = 1;
    return txn.put(meta, as_bytes(kLifecycleKey), bytes_of(yes));
}

Result<std::optional<Offset>> log_end(const lmdb::Txn& txn, lmdb::Database log) {
    auto cursor = lmdb::Cursor::open(txn, log);
    if (!cursor) {
        return cursor.error();
    }
    auto last = cursor->last();
    if (!last) {
        return last.error();
    }
    if (!*last) {
        return std::optional<Offset>();
    }
    auto batch = wire::BatchView::open((*last)->value);
    return batch ? Result<std::optional<Offset>>(batch->end()) : batch.error();
}

}  // namespace skald::store
