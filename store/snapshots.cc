#include "store/snapshots.h"

#include "base/crc32c.h"
#include "base/glob.h"

namespace skald::store {
namespace {

struct StoredHead {
    std::uint64_t version = 0;
    std::uint64_t fingerprint = 0;
    std::uint32_t crc = 0;
    std::uint32_t zero = 0;
};
static_assert(sizeof(StoredHead) == 24);

}  // namespace

Result<std::optional<Snapshot>> read_snapshot(const lmdb::Txn& txn, lmdb::Database database,
                                              std::string_view stream) {
    if (auto ok = check_stream_name(stream, true); !ok) {
        return ok.error();
    }
    auto value = txn.get(database, as_bytes(stream));
    if (!value) {
        return value.error();
    }
    if (!*value || (*value)->size() < sizeof(StoredHead)) {
        return std::optional<Snapshot>();
    }
    const auto head = load_as<StoredHead>((*value)->data());
    const Bytes bytes = (*value)->subspan(sizeof head);
    // A damaged snapshot is a missing one: the log has everything.
    if (crc32c(bytes) != head.crc) {
        return std::optional<Snapshot>();
    }
    return std::optional(
        Snapshot{Version{head.version}, head.fingerprint, std::string(as_text(bytes))});
}

Result<void> write_snapshot(lmdb::WriteTxn& txn, lmdb::Database database, std::string_view stream,
                            const Snapshot& snapshot) {
    std::string value;
    append_as(value, StoredHead{snapshot.version.value, snapshot.fingerprint,
                                crc32c(as_bytes(snapshot.bytes)), 0});
    value += snapshot.bytes;
    return txn.put(database, as_bytes(stream), as_bytes(value));
}

Result<void> drop_snapshot(lmdb::WriteTxn& txn, lmdb::Database database, std::string_view stream) {
    auto dropped = txn.erase(database, as_bytes(stream));
    return dropped ? Result<void>() : dropped.error();
}

}  // namespace skald::store
