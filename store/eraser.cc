#include "store/eraser.h"

#include <fmt/format.h>

namespace skald::store {

Result<void> punch_batch(lmdb::WriteTxn& txn, lmdb::Database log, Offset base,
                         std::span<const std::uint32_t> dead) {
    auto stored = txn.get(log, base.value);
    if (!stored) {
        return stored.error();
    }
    if (!*stored) {
        return Error(Errc::corrupt, fmt::format("no batch at offset {}", base.value));
    }
    auto batch = wire::BatchView::open(**stored);
    if (!batch) {
        return batch.error();
    }
    const std::string holed = wire::punch_holes(*batch, dead);
    return txn.put(log, base.value, as_bytes(holed));
}

Result<void> erase_event(lmdb::WriteTxn& txn, PartitionLog& log, std::string_view stream,
                         Version version) {
    auto snapshot_txn = log.reader().env().read();
    if (!snapshot_txn) {
        return snapshot_txn.error();
    }
    auto end = log.reader().last(*snapshot_txn);
    if (!end) {
        return end.error();
    }
    if (!*end) {
        return {};
    }
    auto index = log.index().snapshot(*snapshot_txn, (*end)->view.end());
    if (!index) {
        return index.error();
    }
    auto found = (*index)->versions(stream, version, false, 1);
    if (!found) {
        return found.error();
    }
    if (found->empty() || found->front().version != version) {
        return {};
    }
    const Offset offset = found->front().offset;
    auto batch = log.reader().at(*snapshot_txn, offset);
    if (!batch) {
        return batch.error();
    }
    // Its batch may be gone already.
    if (!*batch || offset < (*batch)->view.base()) {
        return {};
    }
    const std::uint32_t dead[] = {static_cast<std::uint32_t>(offset - (*batch)->view.base())};
    return punch_batch(txn, log.databases().log, (*batch)->view.base(), dead);
}

}  // namespace skald::store
