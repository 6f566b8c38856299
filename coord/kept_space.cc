#include "coord/kept_space.h"

#include <fmt/format.h>

#include <set>

#include "base/bytes.h"
#include "coord/limits.h"

namespace skald::coord {
namespace {

using store::lmdb::Cursor;
using store::lmdb::Database;
using store::lmdb::Env;
using store::lmdb::Keys;
using store::lmdb::ReadTxn;
using store::lmdb::WriteTxn;

constexpr std::uint64_t kFormat = 1;
constexpr std::string_view kFormatKey = "format";
constexpr std::string_view kRevisionKey = "revision";
constexpr std::string_view kLeaseKey = "lease";  // the last one granted

// The value's bytes stand behind it.
struct StoredEntry {
    std::uint64_t created = 0;
    std::uint64_t modified = 0;
    std::uint64_t version = 0;
    std::uint64_t lease = 0;
};
static_assert(sizeof(StoredEntry) == 32);

std::string encode(const Entry& entry) {
    std::string bytes;
    append_as(bytes, StoredEntry{entry.created.value, entry.modified.value, entry.version,
                                 entry.lease.value});
    return bytes + entry.value;
}

Error corrupt(std::string_view what) {
    return {Errc::corrupt, fmt::format("the coordination store's {} cannot be read", what)};
}

Result<Entry> decode(std::string_view key, std::string_view bytes) {
    if (bytes.size() < sizeof(StoredEntry)) {
        return corrupt("entry");
    }
    const auto stored = load_as<StoredEntry>(bytes.data());
    return Entry{std::string(key),         std::string(bytes.substr(sizeof stored)),
                 Revision{stored.created}, Revision{stored.modified},
                 stored.version,           LeaseId{stored.lease}};
}

std::string number_text(std::uint64_t number) {
    std::string bytes;
    append_as(bytes, number);
    return bytes;
}

Result<std::optional<std::uint64_t>> get_number(const store::lmdb::Txn& txn, Database db,
                                                std::string_view key) {
    auto found = txn.get(db, as_bytes(key));
    if (!found) {
        return found.error();
    }
    if (!*found) {
        return std::optional<std::uint64_t>();
    }
    if ((*found)->size() != sizeof(std::uint64_t)) {
        return corrupt(key);
    }
    return std::optional(load_le<std::uint64_t>((*found)->data()));
}

// Calls `take(entry)` for each, in the order of keys.
template <typename Take>
Result<void> each(const ReadTxn& txn, Database db, Take take) {
    auto cursor = Cursor::open(txn, db);
    if (!cursor) {
        return cursor.error();
    }
    for (auto entry = cursor->first();; entry = cursor->next()) {
        if (!entry) {
            return entry.error();
        }
        if (!*entry) {
            return {};
        }
        if (auto ok = take(**entry); !ok) {
            return ok;
        }
    }
}

}  // namespace

Result<std::unique_ptr<KeptSpace>> KeptSpace::open(const std::string& directory) {
    store::lmdb::EnvOptions options;
    options.map_bytes = kMapBytes;
    options.databases_max = 4;
    auto env = Env::open(directory, options);
    if (!env) {
        return env.error();
    }
    std::unique_ptr<KeptSpace> space(new KeptSpace(std::move(*env)));
    auto ok = space->prepare();
    return ok ? Result<std::unique_ptr<KeptSpace>>(std::move(space)) : ok.error();
}

Result<void> KeptSpace::prepare() {
    auto txn = env_->write();
    if (!txn) {
        return txn.error();
    }
    for (const auto& [name, keys, database] :
         {std::tuple("entries", Keys::bytes, &databases_.entries),
          std::tuple("leases", Keys::integers, &databases_.leases),
          std::tuple("meta", Keys::bytes, &databases_.meta)}) {
        auto opened = txn->open(name, keys);
        if (!opened) {
            return opened.error();
        }
        *database = *opened;
    }
    const auto format = get_number(*txn, databases_.meta, kFormatKey);
    if (!format) {
        return format.error();
    }
    if (*format && **format != kFormat) {
        return Error(Errc::unknown_format,
                     fmt::format("{}: a coordination store of format {}; this program knows {}",
                                 env_->directory(), **format, kFormat));
    }
    const std::string number = number_text(kFormat);
    if (auto ok = txn->put(databases_.meta, as_bytes(kFormatKey), as_bytes(number)); !ok) {
        return ok;
    }
    return std::move(*txn).commit();
}

Result<KeySpace::Kept> KeptSpace::load() {
    auto txn = env_->read();
    if (!txn) {
        return txn.error();
    }
    KeySpace::Kept kept;
    auto revision = get_number(*txn, databases_.meta, kRevisionKey);
    auto lease = get_number(*txn, databases_.meta, kLeaseKey);
    if (!revision || !lease) {
        return revision ? lease.error() : revision.error();
    }
    kept.revision = Revision{revision->value_or(0)};
    kept.last_lease = LeaseId{lease->value_or(0)};
    std::set<LeaseId> leases;
    auto ok = each(*txn, databases_.leases, [&](const Cursor::Entry& row) -> Result<void> {
        if (row.value.size() != sizeof(std::int64_t) || row.number() > kept.last_lease.value) {
            return corrupt("lease");
        }
        const std::chrono::milliseconds ttl(load_le<std::int64_t>(row.value.data()));
        if (ttl < kTtlMin || ttl > kTtlMax) {
            return corrupt("lease");
        }
        leases.insert(LeaseId{row.number()});
        kept.leases.push_back({LeaseId{row.number()}, ttl});
        return {};
    });
    if (!ok) {
        return ok.error();
    }
    ok = each(*txn, databases_.entries, [&](const Cursor::Entry& row) -> Result<void> {
        auto entry = decode(as_text(row.key), as_text(row.value));
        if (!entry) {
            return entry.error();
        }
        if (entry->created > entry->modified || entry->modified > kept.revision ||
            (entry->lease != LeaseId{} && !leases.contains(entry->lease))) {
            return corrupt("entry");
        }
        kept.entries.push_back(std::move(*entry));
        return {};
    });
    return ok ? Result<KeySpace::Kept>(std::move(kept)) : ok.error();
}

Result<void> KeptSpace::put_changes(WriteTxn& txn, const Revised& revised) const {
    for (const Change& change : revised.changes) {
        const Bytes key = as_bytes(change.entry.key);
        if (change.erased) {
            if (auto ok = txn.erase(databases_.entries, key); !ok) {
                return ok.error();
            }
            continue;
        }
        const std::string bytes = encode(change.entry);
        if (auto ok = txn.put(databases_.entries, key, as_bytes(bytes)); !ok) {
            return ok;
        }
    }
    const std::string number = number_text(revised.revision.value);
    return txn.put(databases_.meta, as_bytes(kRevisionKey), as_bytes(number));
}

Result<void> KeptSpace::keep(const Effects& effects) {
    if (!effects.any()) {
        return {};
    }
    auto txn = env_->write();
    if (!txn) {
        return txn.error();
    }
    if (effects.revised) {
        if (auto ok = put_changes(*txn, *effects.revised); !ok) {
            return ok;
        }
    }
    for (const LeaseId lease : effects.ended) {
        if (auto ok = txn->erase(databases_.leases, lease.value); !ok) {
            return ok.error();
        }
    }
    if (effects.granted) {
        const auto& [lease, ttl] = *effects.granted;
        const std::string ms = number_text(static_cast<std::uint64_t>(ttl.count()));
        if (auto ok = txn->put(databases_.leases, lease.value, as_bytes(ms)); !ok) {
            return ok;
        }
        const std::string number = number_text(lease.value);
        if (auto ok = txn->put(databases_.meta, as_bytes(kLeaseKey), as_bytes(number)); !ok) {
            return ok;
        }
    }
    return std::move(*txn).commit();
}

}  // namespace skald::coord
