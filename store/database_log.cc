#include "store/database_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/producer_rows.h"

namespace skald::store {
namespace {

constexpr std::size_t kBatchesMax = 1000;  // of a run

// Why no batch begins at the offset.
Error not_there(const lmdb::ReadTxn& txn, lmdb::Database meta, Partition partition, Offset offset) {
    auto known = read_log_meta(txn, partition, meta);
    if (!known) {
        return known.error();
    }
    if (known->start <= offset) {
        return {Errc::invalid_argument, fmt::format("partition {}: no batch begins at offset {}",
                                                    partition.value, offset.value)};
    }
    Error error(Errc::log_truncated,
                fmt::format("partition {}: offset {} is gone, the log starts at {} now",
                            partition.value, offset.value, known->start.value));
    error.offset = known->start.value;
    return error;
}

}  // namespace

Result<const LogDatabases*> DatabaseLog::find(Partition partition) const {
    if (partition.value >= parts_.databases.size()) {
        return Error(Errc::invalid_argument, fmt::format("the log has {} partitions, none is {}",
                                                         parts_.databases.size(), partition.value));
    }
    return &parts_.databases[partition.value];
}

Result<LogState> DatabaseLog::state() {
    // Before the transaction, which then holds all of it.
    const std::vector<Visible> seen = parts_.visible();
    auto txn = parts_.env.read();
    if (!txn) {
        return txn.error();
    }
    const lmdb::EnvInfo env = parts_.env.info();
    LogState state{parts_.cluster, (env.last_page + 1) * env.page_bytes, {}};
    for (std::uint16_t i = 0; i < seen.size(); ++i) {
        auto meta = read_log_meta(*txn, Partition{i}, parts_.databases[i].meta);
        if (!meta) {
            return meta.error();
        }
        state.partitions.push_back({std::move(*meta), seen[i].high_watermark});
    }
    return state;
}

Result<BatchRun> DatabaseLog::batches(const LogRange& range) {
    auto databases = find(range.partition);
    if (!databases) {
        return databases.error();
    }
    const Offset end = std::min(range.end, parts_.visible()[range.partition.value].high_watermark);
    if (range.from >= end) {
        return BatchRun{};
    }
    auto opened = parts_.env.read();
    if (!opened) {
        return opened.error();
    }
    const auto txn = std::make_shared<lmdb::ReadTxn>(std::move(*opened));
    auto cursor = lmdb::Cursor::open(*txn, (*databases)->log);
    if (!cursor) {
        return cursor.error();
    }
    BatchRun run{{}, txn};
    std::size_t bytes = 0;
    auto found = cursor->at_or_after(range.from.value);
    if (found && (!*found || Offset{(*found)->number()} != range.from)) {
        return not_there(*txn, (*databases)->meta, range.partition, range.from);
    }
    while (found && *found && Offset{(*found)->number()} < end &&
           run.batches.size() < kBatchesMax &&
           (run.batches.empty() || bytes + (*found)->value.size() <= range.bytes)) {
        bytes += (*found)->value.size();
        run.batches.push_back((*found)->value);
        found = cursor->next();
    }
    return found ? Result<BatchRun>(std::move(run)) : found.error();
}

Result<ProducerRows> DatabaseLog::producers(Partition partition, const std::string& after,
                                            std::size_t bytes) {
    auto databases = find(partition);
    if (!databases) {
        return databases.error();
    }
    auto txn = parts_.env.read();
    if (!txn) {
        return txn.error();
    }
    auto end = log_end(*txn, (*databases)->log);
    if (!end) {
        return end.error();
    }
    // Rows of a commit that readers may not see yet would speak of more than they may copy.
    if (*end && **end > parts_.visible()[partition.value].high_watermark) {
        return Error(Errc::busy, "a commit is being published; ask again");
    }
    return read_producer_rows(*txn, (*databases)->producers, after, bytes);
}

}  // namespace skald::store
