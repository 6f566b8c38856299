#include "store/identity.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/random.h"

namespace skald::store {
namespace {

constexpr std::string_view kIdentityKey = "identity";

struct StoredIdentity {
    std::uint32_t format = kFormatVersion;
    std::uint16_t partitions = 1;
    std::uint16_t zero = 0;
    std::uint64_t incarnation = 0;
    Uuid cluster;
    Uuid node;
};
static_assert(sizeof(StoredIdentity) == 48);

}  // namespace

Result<std::optional<Identity>> read_identity(lmdb::Txn& txn) {
    auto database = txn.find("node", lmdb::Keys::bytes);
    if (!database) {
        return database.error();
    }
    if (!*database) {
        auto others = txn.databases();
        if (!others) {
            return others.error();
        }
        if (*others > 0) {
            return Error(Errc::unknown_format,
                         "the directory holds an LMDB database of another kind, or a copy of a log "
                         "that was not finished");
        }
        return std::optional<Identity>();
    }
    auto value = txn.get(**database, as_bytes(kIdentityKey));
    if (!value) {
        return value.error();
    }
    if (!*value || (*value)->size() < sizeof(std::uint32_t)) {
        return Error(Errc::unknown_format, "the directory does not say which format it holds");
    }
    const auto format = load_le<std::uint32_t>((*value)->data());
    if (format != kFormatVersion || (*value)->size() != sizeof(StoredIdentity)) {
        return Error(Errc::unknown_format,
                     fmt::format("the directory holds format {}; this program reads format {}",
                                 format, kFormatVersion));
    }
    const auto stored = load_as<StoredIdentity>((*value)->data());
    return std::optional(
        Identity{stored.cluster, stored.node, stored.incarnation, stored.partitions});
}

Result<void> write_identity(lmdb::WriteTxn& txn, const Identity& identity) {
    auto database = txn.open("node", lmdb::Keys::bytes);
    if (!database) {
        return database.error();
    }
    StoredIdentity stored;
    stored.partitions = identity.partitions;
    stored.incarnation = identity.incarnation;
    stored.cluster = identity.cluster;
    stored.node = identity.node;
    return txn.put(*database, as_bytes(kIdentityKey), std::as_bytes(std::span(&stored, 1)));
}

Result<Identity> open_identity(lmdb::WriteTxn& txn, std::uint16_t partitions) {
    auto known = read_identity(txn);
    if (!known) {
        return known.error();
    }
    Identity identity;
    if (*known) {
        identity = **known;
        if (partitions > 1 && partitions != identity.partitions) {
            return Error(Errc::invalid_argument,
                         fmt::format("the log has {} partitions, not {}; that is fixed when it is "
                                     "created",
                                     identity.partitions, partitions));
        }
    } else {
        identity.cluster = random_uuid();
        identity.node = random_uuid();
        identity.partitions = std::max<std::uint16_t>(partitions, 1);
    }
    ++identity.incarnation;
    if (auto ok = write_identity(txn, identity); !ok) {
        return ok.error();
    }
    return identity;
}

}  // namespace skald::store
