#include "cqrs/index_changes.h"

#include <algorithm>

#include "base/bytes.h"

namespace skald::cqrs {

using store::lmdb::WriteCursor;

Result<LastKey> LastKey::of(WriteCursor& cursor) {
    auto last = cursor.last_key();
    if (!last) {
        return last.error();
    }
    LastKey key;
    if (*last) {
        key.key_ = as_text(**last);
    }
    return key;
}

IndexChanges::IndexChanges(const ModelTables& tables)
    : tables_(tables), changes_(tables.indexes.size()) {}

IndexChanges::Entry IndexChanges::entry(const IndexSchema& index, const IndexedValue& value,
                                        std::string_view key) {
    const std::string_view whole = arena_.store(value.bytes, key);
    if (index.unique) {
        return {whole, whole.substr(value.bytes.size())};
    }
    const auto size = static_cast<std::uint16_t>(value.bytes.size());
    return {whole, arena_.store({reinterpret_cast<const char*>(&size), sizeof size})};
}

void IndexChanges::note(std::string_view key, std::optional<std::string_view> before,
                        std::optional<std::string_view> after) {
    StoredRow old(before.value_or(""));
    StoredRow fresh(after.value_or(""));
    for (std::size_t i = 0; i < changes_.size(); ++i) {
        const IndexSchema& index = tables_.schema.indexes[i];
        const IndexedValue was = old.next_index();
        const IndexedValue is = fresh.next_index();
        if (before && after && was == is) {
            continue;
        }
        if (before && !(index.unique && was.counts)) {
            changes_[i].removed.push_back(entry(index, was, key));
        }
        if (after && !(index.unique && is.counts)) {
            changes_[i].added.push_back(entry(index, is, key));
        }
    }
}

Result<void> IndexChanges::write_one(store::lmdb::WriteTxn& txn, store::lmdb::Database database,
                                     Changes& changes, const ByteMap& counted) {
    for (const ByteMap::Slot* slot : counted.sorted()) {
        const bool present = slot->state == ByteMap::State::present;
        (present ? changes.added : changes.removed).push_back({slot->key, slot->value});
    }
    auto cursor = WriteCursor::open(txn, database);
    if (!cursor) {
        return cursor.error();
    }
    const auto by_key = [](const Entry& a, const Entry& b) { return a.key < b.key; };
    std::sort(changes.removed.begin(), changes.removed.end(), by_key);
    std::sort(changes.added.begin(), changes.added.end(), by_key);
    for (const Entry& entry : changes.removed) {
        if (auto erased = cursor->erase(as_bytes(entry.key)); !erased) {
            return erased.error();
        }
    }
    auto end = LastKey::of(*cursor);
    if (!end) {
        return end.error();
    }
    for (const Entry& entry : changes.added) {
        auto ok = end->is_below(entry.key)
                      ? cursor->append(as_bytes(entry.key), as_bytes(entry.value))
                      : cursor->put(as_bytes(entry.key), as_bytes(entry.value));
        if (!ok) {
            return ok;
        }
    }
    return {};
}

Result<void> IndexChanges::write(store::lmdb::WriteTxn& txn, const std::vector<ByteMap>& counted) {
    for (std::size_t i = 0; i < changes_.size(); ++i) {
        const bool none = changes_[i].removed.empty() && changes_[i].added.empty();
        if (none && counted[i].empty()) {
            continue;
        }
        if (auto ok = write_one(txn, tables_.indexes[i], changes_[i], counted[i]); !ok) {
            return ok;
        }
    }
    return {};
}

}  // namespace skald::cqrs
