#include "cqrs/row_batch.h"

#include <fmt/format.h>

#include <algorithm>

#include "cqrs/index_changes.h"
#include "cqrs/stored_row.h"

namespace skald::cqrs {

using store::lmdb::WriteCursor;

namespace {

std::optional<std::string_view> value_of(const ByteMap::Slot& slot) {
    return slot.state == ByteMap::State::present ? std::optional(slot.value) : std::nullopt;
}

}  // namespace

RowBatch::RowBatch(const store::lmdb::Env& env, const ModelTables& tables, const RowBatch* below)
    : env_(env), tables_(tables), below_(below), rows_(arena_) {
    for (const IndexSchema& index : tables.schema.indexes) {
        unique_.emplace_back(arena_);
        has_unique_ = has_unique_ || index.unique;
    }
}

Result<std::optional<std::string_view>> RowBatch::read(std::size_t tree, std::string_view key) {
    if (below_ != nullptr) {
        touched_.read(tree, ByteMap::hash_of(key));
        if (const auto* slot = below_->changes(tree).find(key)) {
            return value_of(*slot);
        }
    }
    if (!reading_) {
        auto txn = env_.read();
        if (!txn) {
            return txn.error();
        }
        reading_ = std::move(*txn);
    }
    const auto database = tree == 0 ? tables_.rows : tables_.indexes[tree - 1];
    auto found = reading_->get(database, as_bytes(key));
    if (!found) {
        return found.error();
    }
    return *found ? std::optional(as_text(**found)) : std::nullopt;
}

Result<std::optional<std::string_view>> RowBatch::stored(std::string_view key) {
    const auto* slot = rows_.find(key);
    return slot != nullptr ? value_of(*slot) : read(0, key);
}

Result<std::optional<std::string_view>> RowBatch::get(std::string_view key) {
    auto found = stored(key);
    if (found && *found) {
        *found = StoredRow(**found).json(tables_.indexes.size());
    }
    return found;
}

Result<std::optional<std::string_view>> RowBatch::owner(std::size_t index, std::string_view value) {
    const auto* slot = unique_[index].find(value);
    return slot != nullptr ? value_of(*slot) : read(index + 1, value);
}

Result<void> RowBatch::check_unique(const RowImage& row) {
    for (std::size_t i = 0; i < tables_.indexes.size(); ++i) {
        if (!tables_.schema.indexes[i].unique || !row.counts[i]) {
            continue;
        }
        auto found = owner(i, row.values[i]);
        if (!found) {
            return found.error();
        }
        if (*found && **found != row.key) {
            return taken(tables_.schema.indexes[i]);
        }
    }
    return {};
}

void RowBatch::release_unique(std::string_view stored, const RowImage* replaced_by) {
    StoredRow row(stored);
    for (std::size_t i = 0; i < tables_.indexes.size(); ++i) {
        const IndexedValue value = row.next_index();
        const bool kept = replaced_by != nullptr && value.bytes == replaced_by->values[i];
        if (tables_.schema.indexes[i].unique && value.counts && !kept) {
            unique_[i].erase(value.bytes);
        }
    }
}

Result<void> RowBatch::put(const RowImage& row) {
    if (auto ok = check_row(row); !ok) {
        return ok;
    }
    std::string_view key;
    if (has_unique_) {
        if (auto ok = check_unique(row); !ok) {
            return ok;
        }
        auto before = stored(row.key);
        if (!before) {
            return before.error();
        }
        if (*before) {
            release_unique(**before, &row);
        }
        key = arena_.store(row.key);
        for (std::size_t i = 0; i < tables_.indexes.size(); ++i) {
            if (tables_.schema.indexes[i].unique && row.counts[i]) {
                unique_[i].put(row.values[i], key);
            }
        }
    }
    store_row(row, scratch_);
    rows_.put(row.key, arena_.store(scratch_));
    return {};
}

Result<bool> RowBatch::erase(std::string_view key) {
    auto before = stored(key);
    if (!before) {
        return before.error();
    }
    if (!*before) {
        return false;
    }
    release_unique(**before, nullptr);
    rows_.erase(key);
    return true;
}

void RowBatch::effect(std::function<void()> act) {
    effects_.add(std::move(act));
}

void RowBatch::begin_event(Partition partition, Offset offset, std::size_t place) {
    rows_.begin();
    for (ByteMap& map : unique_) {
        map.begin();
    }
    effects_.begin_event(partition, offset, place);
}

void RowBatch::undo_event() {
    rows_.undo();
    for (ByteMap& map : unique_) {
        map.undo();
    }
    effects_.undo_event();
}

void RowBatch::note_changed() {
    for (std::size_t tree = 0; tree <= unique_.size(); ++tree) {
        for (const ByteMap::Slot& slot : changes(tree).slots()) {
            touched_.changed(tree, slot.hash);
        }
    }
    touched_.sort();
}

void RowBatch::take(ByteMap& into, const ByteMap& from) {
    for (const ByteMap::Slot& slot : from.slots()) {
        if (slot.state == ByteMap::State::present) {
            into.put(slot.key, arena_.store(slot.value));
        } else if (slot.state == ByteMap::State::absent) {
            into.erase(slot.key);
        }
    }
}

void RowBatch::absorb(const std::vector<RowBatch*>& lanes) {
    begin_event({}, {});
    std::vector<Effects*> effects;
    for (RowBatch* lane : lanes) {
        take(rows_, lane->rows_);
        for (std::size_t i = 0; i < unique_.size(); ++i) {
            take(unique_[i], lane->unique_[i]);
        }
        effects.push_back(&lane->effects_);
    }
    effects_.absorb(effects);
}

void RowBatch::clear() {
    rows_.clear();
    for (ByteMap& map : unique_) {
        map.clear();
    }
    arena_.clear();
    effects_.clear();
    touched_.clear();
    end_reading();
}

Result<void> RowBatch::write(store::lmdb::WriteTxn& txn, RowWatch* watch) const {
    auto cursor = WriteCursor::open(txn, tables_.rows);
    if (!cursor) {
        return cursor.error();
    }
    auto end = LastKey::of(*cursor);
    if (!end) {
        return end.error();
    }
    IndexChanges indexes(tables_);
    for (const ByteMap::Slot* slot : rows_.sorted()) {
        const bool beyond = end->is_below(slot->key);
        std::optional<std::string_view> before;
        if (!beyond) {
            auto found = cursor->find(as_bytes(slot->key));
            if (!found) {
                return found.error();
            }
            if (*found) {
                before = as_text(**found);
            }
        }
        const bool present = slot->state == ByteMap::State::present;
        if (present ? before == slot->value : !before) {
            continue;
        }
        const auto after = present ? std::optional(slot->value) : std::nullopt;
        indexes.note(slot->key, before, after);
        if (watch != nullptr) {
            watch->changed(slot->key, before, after);
        }
        Result<void> ok;
        if (!present) {
            auto erased = cursor->erase(as_bytes(slot->key));
            ok = erased ? Result<void>() : erased.error();
        } else {
            ok = beyond ? cursor->append(as_bytes(slot->key), as_bytes(slot->value))
                        : cursor->put(as_bytes(slot->key), as_bytes(slot->value));
        }
        if (!ok) {
            return ok;
        }
    }
    return indexes.write(txn, unique_);
}

}  // namespace skald::cqrs
