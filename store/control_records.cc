#include "store/control_records.h"

#include <fmt/format.h>

namespace skald::store {
namespace {

Error missing(const PartitionLog& log, std::string_view stream, Offset offset) {
    Error error(Errc::corrupt, fmt::format("partition {}: no control record of {} is at offset {}",
                                           log.partition().value, stream, offset.value));
    error.offset = offset.value;
    return error;
}

}  // namespace

Result<std::optional<Offset>> find_last_control(const PartitionLog& log, Offset high_watermark,
                                                std::string_view stream) {
    auto txn = log.reader().env().read();
    if (!txn) {
        return txn.error();
    }
    auto index = log.index().snapshot(*txn, high_watermark);
    if (!index) {
        return index.error();
    }
    auto head = (*index)->head(stream);
    if (!head) {
        return head.error();
    }
    return *head ? (*head)->lifecycle : std::nullopt;
}

Result<std::optional<ControlRecord>> last_control(const PartitionLog& log, Offset high_watermark,
                                                  std::string_view stream) {
    auto last = find_last_control(log, high_watermark, stream);
    if (!last) {
        return last.error();
    }
    if (!*last) {
        return std::optional<ControlRecord>();
    }
    auto data = control_data(log, stream, **last);
    if (!data) {
        return data.error();
    }
    return std::optional(ControlRecord{**last, std::move(*data)});
}

Result<std::string> control_data(const PartitionLog& log, std::string_view stream, Offset offset) {
    auto txn = log.reader().env().read();
    if (!txn) {
        return txn.error();
    }
    auto found = log.reader().at(*txn, offset);
    if (!found) {
        return found.error();
    }
    if (!*found || !(*found)->view.holds(offset)) {
        return missing(log, stream, offset);
    }
    const wire::BatchView& batch = (*found)->view;
    const auto record = batch.record(static_cast<std::uint32_t>(offset - batch.base()));
    if (!record) {
        return record_damaged(log.partition(), offset);
    }
    if (!record->prefix.control() || record->prefix.hole() ||
        batch.name(record->prefix.stream) != stream) {
        return missing(log, stream, offset);
    }
    return std::string(record->data);
}

}  // namespace skald::store
