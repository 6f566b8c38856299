#include "cqrs/model_tables.h"

#include <fmt/format.h>

#include <algorithm>

namespace skald::cqrs {

using store::lmdb::Keys;

namespace {

// Takes a letter with a number behind it from the front.
bool take_numbered(std::string_view& name, char letter) {
    const std::size_t end = name.find_first_not_of("0123456789", 1);
    const std::size_t digits = std::min(end, name.size());
    if (digits < 2 || name[0] != letter) {
        return false;
    }
    name.remove_prefix(digits);
    return true;
}

}  // namespace

bool ModelTables::has_name(std::string_view name) {
    if (!take_numbered(name, 'v')) {
        return false;
    }
    if (name == ".rows" || name == ".parked") {
        return true;
    }
    if (!name.starts_with('.')) {
        return false;
    }
    name.remove_prefix(1);
    return take_numbered(name, 'i') && name.empty();
}

Result<ModelTables> ModelTables::open(store::lmdb::WriteTxn& txn, std::string_view prefix,
                                      std::uint32_t version, RowSchema schema) {
    ModelTables tables;
    tables.schema = std::move(schema);
    const auto open = [&](const std::string& what, store::lmdb::Database& database) {
        auto opened = txn.open(fmt::format("{}v{}.{}", prefix, version, what).c_str(), Keys::bytes);
        if (!opened) {
            return Result<void>(opened.error());
        }
        database = *opened;
        return Result<void>();
    };
    auto ok = open("rows", tables.rows);
    if (ok) {
        ok = open("parked", tables.parked);
    }
    tables.indexes.resize(tables.schema.indexes.size());
    for (std::size_t i = 0; ok && i < tables.indexes.size(); ++i) {
        ok = open(fmt::format("i{}", i), tables.indexes[i]);
    }
    return ok ? Result<ModelTables>(std::move(tables)) : ok.error();
}

Result<void> ModelTables::clear(store::lmdb::WriteTxn& txn) const {
    auto ok = txn.clear(rows);
    if (ok) {
        ok = txn.clear(parked);
    }
    for (std::size_t i = 0; ok && i < indexes.size(); ++i) {
        ok = txn.clear(indexes[i]);
    }
    return ok;
}

Result<void> ModelTables::drop(store::lmdb::WriteTxn& txn) const {
    auto ok = txn.drop(rows);
    if (ok) {
        ok = txn.drop(parked);
    }
    for (std::size_t i = 0; ok && i < indexes.size(); ++i) {
        ok = txn.drop(indexes[i]);
    }
    return ok;
}

std::string_view row_key_of(const IndexSchema& index, const store::lmdb::Cursor::Entry& entry) {
    if (index.unique) {
        return as_text(entry.value);
    }
    return as_text(entry.key).substr(load_le<std::uint16_t>(entry.value.data()));
}

}  // namespace skald::cqrs
