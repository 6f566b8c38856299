// The `node` database: what this directory is, and which formats it holds.
#pragma once

#include <cstdint>

#include "skald/ids.h"
#include "skald/result.h"
#include "store/lmdb/env.h"

namespace skald::store {

inline constexpr std::uint32_t kFormatVersion = 1;

struct Identity {
    Uuid cluster;
    Uuid node;
    std::uint64_t incarnation = 0;  // raised at every open
    std::uint16_t partitions = 1;
};

// nullopt in an empty environment; unknown_format when it holds something else, or a later format.
Result<std::optional<Identity>> read_identity(lmdb::Txn& txn);
Result<void> write_identity(lmdb::WriteTxn& txn, const Identity& identity);
// Of the directory as it is opened: a new one gets so many partitions, at least one; another must
// have as many, unless they are 0 or 1.
Result<Identity> open_identity(lmdb::WriteTxn& txn, std::uint16_t partitions);

}  // namespace skald::store
