#include "store/producer_rows.h"

#include "store/sequence_store.h"

namespace skald::store {
namespace {

constexpr std::size_t kHeadBytes = sizeof(std::uint16_t) + sizeof(std::uint32_t);
constexpr std::size_t kKeyBytesMax = 511;  // LMDB's

void append_row(std::string& rows, const lmdb::Cursor::Entry& entry) {
    append_as(rows, static_cast<std::uint16_t>(entry.key.size()));
    append_as(rows, static_cast<std::uint32_t>(entry.value.size()));
    rows.append(as_text(entry.key));
    rows.append(as_text(entry.value));
}

// The ranges of the producer whose own row this is.
Result<void> append_ranges(std::string& rows, const lmdb::Txn& txn, lmdb::Database database,
                           std::string_view producer) {
    auto cursor = lmdb::Cursor::open(txn, database);
    if (!cursor) {
        return cursor.error();
    }
    const std::string prefix = kRangesKey + std::string(producer.substr(1));
    auto found = cursor->at_or_after(as_bytes(prefix));
    for (; found && *found && as_text((*found)->key).starts_with(prefix); found = cursor->next()) {
        append_row(rows, **found);
    }
    return found ? Result<void>() : found.error();
}

}  // namespace

Result<ProducerRows> read_producer_rows(const lmdb::Txn& txn, lmdb::Database database,
                                        const std::string& after, std::size_t bytes) {
    ProducerRows page;
    auto covered = read_covered(txn, database);
    auto cursor = lmdb::Cursor::open(txn, database);
    if (!covered || !cursor) {
        return covered ? cursor.error() : covered.error();
    }
    page.covered = *covered;
    // Fences, then producers; what else there is comes before them, or is a producer's.
    const std::string from = after.empty() ? std::string(1, kFenceKey) : after;
    auto found = cursor->at_or_after(as_bytes(from));
    if (found && *found && as_text((*found)->key) == after) {
        found = cursor->next();
    }
    for (; found && *found; found = cursor->next()) {
        const std::string_view key = as_text((*found)->key);
        if (key.front() > kProducerKey) {
            break;
        }
        if (page.rows.size() >= bytes && !page.rows.empty()) {
            return page;
        }
        append_row(page.rows, **found);
        if (key.front() == kProducerKey) {
            if (auto ok = append_ranges(page.rows, txn, database, key); !ok) {
                return ok.error();
            }
        }
        page.next = key;
    }
    page.next.clear();
    return found ? Result<ProducerRows>(std::move(page)) : found.error();
}

Result<void> write_producer_rows(lmdb::WriteTxn& txn, lmdb::Database database,
                                 std::string_view rows) {
    while (!rows.empty()) {
        std::size_t key_bytes = 0;
        std::size_t value_bytes = 0;
        if (rows.size() >= kHeadBytes) {
            key_bytes = load_le<std::uint16_t>(rows.data());
            value_bytes = load_le<std::uint32_t>(rows.data() + sizeof(std::uint16_t));
            rows.remove_prefix(kHeadBytes);
        }
        if (key_bytes == 0 || key_bytes > kKeyBytesMax || rows.size() < key_bytes + value_bytes) {
            return Error(Errc::malformed, "rows of producers that do not add up");
        }
        if (auto ok = txn.put(database, as_bytes(rows.substr(0, key_bytes)),
                              as_bytes(rows.substr(key_bytes, value_bytes)));
            !ok) {
            return ok;
        }
        rows.remove_prefix(key_bytes + value_bytes);
    }
    return {};
}

}  // namespace skald::store
