#include "cqrs/model_catalogue.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "skald/cqrs/describe.h"

namespace skald::cqrs {
namespace {

constexpr std::size_t kHeadBytes = 8 + 8 + 1;

struct IndexRecord {
    std::vector<std::string> fields;
    std::string kinds;
    bool unique = false;
    static auto describe() {
        return record<IndexRecord>("Index")
            .required("fields", &IndexRecord::fields)
            .required("kinds", &IndexRecord::kinds)
            .required("unique", &IndexRecord::unique);
    }
};

struct SchemaRecord {
    std::uint32_t number = 0;
    std::string shape;
    std::vector<std::string> fields;
    IndexRecord key;
    std::vector<IndexRecord> indexes;
    std::string muted_until;
    static auto describe() {
        return record<SchemaRecord>("Version")
            .required("number", &SchemaRecord::number)
            .required("shape", &SchemaRecord::shape)
            .required("fields", &SchemaRecord::fields)
            .required("key", &SchemaRecord::key)
            .required("indexes", &SchemaRecord::indexes)
            .required("muted_until", &SchemaRecord::muted_until);
    }
};

IndexRecord record_of(const IndexSchema& index) {
    IndexRecord record{{}, index.kinds(), index.unique};
    for (const Column& column : index.columns) {
        record.fields.push_back(column.field);
    }
    return record;
}

IndexSchema index_of(const IndexRecord& record) {
    IndexSchema index;
    index.unique = record.unique;
    for (std::size_t i = 0; i < std::min(record.fields.size(), record.kinds.size()); ++i) {
        index.columns.push_back({record.fields[i], static_cast<KeyKind>(record.kinds[i])});
    }
    return index;
}

SchemaRecord record_of(const VersionRecord& version) {
    SchemaRecord record{version.number,
                        version.schema.shape,
                        version.schema.fields,
                        record_of(version.schema.key),
                        {},
                        version.muted_until};
    for (const IndexSchema& index : version.schema.indexes) {
        record.indexes.push_back(record_of(index));
    }
    return record;
}

VersionRecord version_of(const SchemaRecord& record) {
    VersionRecord version{
        record.number, {record.shape, record.fields, index_of(record.key), {}}, record.muted_until};
    for (const IndexRecord& index : record.indexes) {
        version.schema.indexes.push_back(index_of(index));
    }
    return version;
}

std::string entry_of(std::uint32_t version, std::string_view what = {}) {
    return fmt::format("v{}{}", version, what);
}

bool is_version(std::string_view key) {
    return key.size() > 1 && key[0] == 'v' &&
           key.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

Error damaged(std::string_view key) {
    return {
        Errc::corrupt,
        fmt::format("the entry {} of the read model cannot be read; delete its directory, of an "
                    "inline projection its rows (InlineProjection::remove): it is built anew",
                    key)};
}

template <typename Int>
Result<Int> load_number(const Result<std::optional<Bytes>>& found, std::string_view key) {
    if (!found) {
        return found.error();
    }
    if (!*found) {
        return Int{0};
    }
    return (*found)->size() == sizeof(Int) ? Result<Int>(load_le<Int>((*found)->data()))
                                           : damaged(key);
}

template <typename Int>
std::string stored_number(Int value) {
    std::string bytes;
    append_as(bytes, value);
    return bytes;
}

}  // namespace

Result<std::uint32_t> Catalogue::number(const Txn& txn, std::string_view key) const {
    return load_number<std::uint32_t>(txn.get(meta_, as_bytes(key)), key);
}

Result<bool> Catalogue::has_format(const Txn& txn) const {
    auto found = txn.get(meta_, as_bytes("format"));
    return found ? Result<bool>(found->has_value()) : found.error();
}

Result<void> Catalogue::check_format(const Txn& txn) const {
    auto format = number(txn, "format");
    if (!format) {
        return format.error();
    }
    if (*format != kModelFormat) {
        return Error(Errc::unknown_format,
                     fmt::format("a read model of format {}; this program knows {}: delete its "
                                 "directory, it is built anew",
                                 *format, kModelFormat));
    }
    return {};
}

Result<void> Catalogue::put_format(WriteTxn& txn) const {
    return txn.put(meta_, as_bytes("format"), as_bytes(stored_number(kModelFormat)));
}

Result<std::string> Catalogue::name(const Txn& txn) const {
    auto found = txn.get(meta_, as_bytes("name"));
    if (!found) {
        return found.error();
    }
    return *found ? std::string(as_text(**found)) : std::string();
}

Result<void> Catalogue::put_name(WriteTxn& txn, const std::string& name) const {
    return txn.put(meta_, as_bytes("name"), as_bytes(name));
}

Result<void> Catalogue::put_active(WriteTxn& txn, std::uint32_t active,
                                   std::uint32_t previous) const {
    auto ok = txn.put(meta_, as_bytes("active"), as_bytes(stored_number(active)));
    return ok ? txn.put(meta_, as_bytes("previous"), as_bytes(stored_number(previous)))
              : std::move(ok);
}

Result<std::vector<VersionRecord>> Catalogue::versions(const Txn& txn) const {
    auto cursor = store::lmdb::Cursor::open(txn, meta_);
    if (!cursor) {
        return cursor.error();
    }
    std::vector<VersionRecord> versions;
    auto found = cursor->at_or_after(as_bytes("v"));
    for (; found && *found; found = cursor->next()) {
        const std::string_view key = as_text((*found)->key);
        if (!is_version(key)) {
            continue;
        }
        SchemaRecord record;
        const auto& description = description_of<SchemaRecord>();
        if (!description.decode(description.version(), as_text((*found)->value), record)) {
            return damaged(key);
        }
        versions.push_back(version_of(record));
    }
    return found ? Result<std::vector<VersionRecord>>(std::move(versions)) : found.error();
}

Result<void> Catalogue::put_version(WriteTxn& txn, const VersionRecord& version) const {
    auto json = description_of<SchemaRecord>().encode(record_of(version));
    return json ? txn.put(meta_, as_bytes(entry_of(version.number)), as_bytes(*json))
                : json.error();
}

Result<void> Catalogue::erase_version(WriteTxn& txn, std::uint32_t version) const {
    for (const char* what : {"", ".at", ".term"}) {
        if (auto erased = txn.erase(meta_, as_bytes(entry_of(version, what))); !erased) {
            return erased.error();
        }
    }
    return {};
}

Result<ModelCheckpoint> Catalogue::checkpoint(const Txn& txn, std::uint32_t version) const {
    const std::string key = entry_of(version, ".at");
    auto found = txn.get(meta_, as_bytes(key));
    if (!found) {
        return found.error();
    }
    ModelCheckpoint checkpoint;
    if (*found) {
        const std::string_view bytes = as_text(**found);
        if (bytes.size() < kHeadBytes) {
            return damaged(key);
        }
        checkpoint.commits = load_le<std::uint64_t>(bytes.data());
        checkpoint.events = load_le<std::uint64_t>(bytes.data() + 8);
        checkpoint.complete = bytes[16] != 0;
        checkpoint.token = bytes.substr(kHeadBytes);
    }
    return checkpoint;
}

Result<void> Catalogue::put_checkpoint(WriteTxn& txn, std::uint32_t version,
                                       const ModelCheckpoint& checkpoint) const {
    std::string bytes = stored_number(checkpoint.commits) + stored_number(checkpoint.events);
    bytes += checkpoint.complete ? '\1' : '\0';
    bytes += checkpoint.token;
    return txn.put(meta_, as_bytes(entry_of(version, ".at")), as_bytes(bytes));
}

Result<std::uint64_t> Catalogue::term(const Txn& txn, std::uint32_t version) const {
    const std::string key = entry_of(version, ".term");
    return load_number<std::uint64_t>(txn.get(meta_, as_bytes(key)), key);
}

Result<void> Catalogue::put_term(WriteTxn& txn, std::uint32_t version, std::uint64_t term) const {
    return txn.put(meta_, as_bytes(entry_of(version, ".term")), as_bytes(stored_number(term)));
}

}  // namespace skald::cqrs
