#include "store/control_records.h"

namespace skald::store {
namespace {

Result<std::optional<Offset>> find_last(const PartitionLog& log, lmdb::Env& env,
                                        const Visible& seen, std::string_view stream) {
    auto txn = env.read();
    if (!txn) {
        return txn.error();
    }
    auto index = log.index().snapshot(*txn, seen.high_watermark);
    if (!index) {
        return index.error();
    }
    auto head = (*index)->head(stream);
    if (!head) {
        return head.error();
    }
    return *head ? (*head)->lifecycle : std::nullopt;
}

}  // namespace

Result<std::optional<ControlRecord>> last_control(const PartitionLog& log, lmdb::Env& env,
                                                  const Visible& seen, std::string_view stream) {
    auto last = find_last(log, env, seen, stream);
    if (!last) {
        return last.error();
    }
    if (!*last) {
        return std::optional<ControlRecord>();
    }
    auto data = control_data(log, **last);
    if (!data) {
        return data.error();
    }
    return std::optional(ControlRecord{**last, std::move(*data)});
}

Result<std::string> control_data(const PartitionLog& log, Offset offset) {
    auto data = log.reader().data(offset);
    if (!data) {
        return data.error();
    }
    return *data ? Result<std::string>(std::move(**data)) : record_damaged(log.partition(), offset);
}

}  // namespace skald::store
