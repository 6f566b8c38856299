// What a read model knows of itself: which versions it holds, which of them answers queries, and
// where each stands in the log. Rows of the database `meta`:
//
//     format          u32, kModelFormat
//     name            the model's
//     active          u32 version that queries see; previous: the one before it
//     v<N>            VersionRecord as JSON
//     v<N>.at         u64 commits, u64 events, u8 complete, then the position as token
//     v<N>.term       u64: the highest term of a projector that ever committed
//
// Threads: as the transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "skald/cqrs/row.h"
#include "skald/position.h"
#include "store/lmdb/env.h"

namespace skald::cqrs {

inline constexpr std::uint32_t kModelFormat = 2;

// Where a version stands. Complete: its rows have been up to date once since they were begun.
struct ModelCheckpoint {
    std::uint64_t commits = 0;
    std::uint64_t events = 0;
    bool complete = false;
    std::string token;  // of the position
};

struct VersionRecord {
    std::uint32_t number = 0;
    RowSchema schema;
    std::string muted_until;  // token: events before it have no effects
};

class Catalogue {
  public:
    static constexpr const char* kDatabase = "meta";
    explicit Catalogue(store::lmdb::Database meta) : meta_(meta) {}

    using Txn = store::lmdb::Txn;
    using WriteTxn = store::lmdb::WriteTxn;
    // Errors: unknown_format, corrupt, and those of a read.
    Result<void> check_format(const Txn& txn) const;
    Result<bool> has_format(const Txn& txn) const;
    Result<void> put_format(WriteTxn& txn) const;
    Result<std::string> name(const Txn& txn) const;  // empty without one
    Result<void> put_name(WriteTxn& txn, const std::string& name) const;
    // 0: none.
    Result<std::uint32_t> active(const Txn& txn) const { return number(txn, "active"); }
    Result<std::uint32_t> previous(const Txn& txn) const { return number(txn, "previous"); }
    Result<void> put_active(WriteTxn& txn, std::uint32_t active, std::uint32_t previous) const;
    Result<std::vector<VersionRecord>> versions(const Txn& txn) const;
    Result<void> put_version(WriteTxn& txn, const VersionRecord& record) const;
    Result<void> erase_version(WriteTxn& txn, std::uint32_t version) const;
    Result<ModelCheckpoint> checkpoint(const Txn& txn, std::uint32_t version) const;
    Result<void> put_checkpoint(WriteTxn& txn, std::uint32_t version,
                                const ModelCheckpoint& checkpoint) const;
    Result<std::uint64_t> term(const Txn& txn, std::uint32_t version) const;
    Result<void> put_term(WriteTxn& txn, std::uint32_t version, std::uint64_t term) const;

  private:
    Result<std::uint32_t> number(const Txn& txn, std::string_view key) const;

    store::lmdb::Database meta_;
};

}  // namespace skald::cqrs
