#include "store/log_reader.h"

#include <fmt/format.h>

namespace skald::store {

Error record_damaged(Partition partition, Offset at) {
    Error error(Errc::corrupt, fmt::format("partition {}: the record at offset {} is damaged",
                                           partition.value, at.value));
    error.offset = at.value;
    return error;
}

Result<std::optional<BatchRef>> LogReader::open(const lmdb::Cursor::Found& found) const {
    if (!found) {
        return found.error();
    }
    if (!*found) {
        return std::optional<BatchRef>();
    }
    auto view = checked_.open((*found)->value, partition_);
    if (!view) {
        Error error = view.error();
        error.message = fmt::format("partition {} at offset {}: {}", partition_.value,
                                    (*found)->number(), error.message);
        error.offset = (*found)->number();
        return error;
    }
    return std::optional(BatchRef{nullptr, *view});
}

Result<std::optional<BatchRef>> LogReader::in_memory(Offset offset) const {
    Frame frame = ring_.find(offset);
    if (!frame) {
        return std::optional<BatchRef>();
    }
    auto view = checked_.open(as_bytes(*frame), partition_);
    if (!view) {
        return view.error();
    }
    return std::optional(BatchRef{std::move(frame), *view});
}

Result<std::optional<BatchRef>> LogReader::at_or_before(const lmdb::ReadTxn& txn,
                                                        Offset offset) const {
    auto found = in_memory(offset);
    if (!found || *found) {
        return found;
    }
    auto cursor = lmdb::Cursor::open(txn, log_);
    if (!cursor) {
        return cursor.error();
    }
    return open(cursor->at_or_before(offset.value));
}

Result<std::optional<BatchRef>> LogReader::at(const lmdb::ReadTxn& txn, Offset offset) const {
    auto opened = cursor(txn);
    return opened ? at(*opened, offset) : opened.error();
}

Result<std::optional<BatchRef>> LogReader::at(lmdb::Cursor& cursor, Offset offset) const {
    auto found = in_memory(offset);
    if (!found || *found) {
        return found;
    }
    found = open(cursor.at_or_before(offset.value));
    if (!found || (*found && (*found)->view.end() > offset)) {
        return found;
    }
    return open(cursor.at_or_after(offset.value));
}

Result<std::optional<BatchRef>> LogReader::last(const lmdb::ReadTxn& txn) const {
    auto cursor = lmdb::Cursor::open(txn, log_);
    if (!cursor) {
        return cursor.error();
    }
    return open(cursor->last());
}

Result<Offset> LogReader::at_time(const lmdb::ReadTxn& txn, Time time, Offset begin,
                                  Offset end) const {
    // Invariant: everything below `begin` is older than `time`, everything from `end` on is not.
    while (begin < end) {
        auto found = at(txn, begin + (end - begin) / 2);
        if (!found) {
            return found.error();
        }
        if (!*found) {
            return end;
        }
        const wire::BatchView& batch = (*found)->view;
        if (batch.recorded_at() < time) {
            begin = std::max(begin, batch.end());
        } else {
            end = std::min(end, std::max(begin, batch.base()));
        }
    }
    return end;
}

Result<std::optional<std::string>> LogReader::data(Offset offset) const {
    auto txn = env_.read();
    if (!txn) {
        return txn.error();
    }
    auto found = at(*txn, offset);
    if (!found) {
        return found.error();
    }
    if (!*found || offset < (*found)->view.base()) {
        return std::optional<std::string>();
    }
    const wire::BatchView& batch = (*found)->view;
    const auto record = batch.record(static_cast<std::uint32_t>(offset - batch.base()));
    if (!record) {
        return record_damaged(partition_, offset);
    }
    return std::optional(std::string(record->data));
}

}  // namespace skald::store
