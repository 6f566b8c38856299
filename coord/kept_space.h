// A key space on LMDB (docs/coord_format.md): what a step changed is on the disk before anybody is
// told.
#pragma once

#include <memory>
#include <string>

#include "coord/key_space.h"
#include "store/lmdb/env.h"

namespace skald::coord {

// One thread at a time.
class KeptSpace {
  public:
    static Result<std::unique_ptr<KeptSpace>> open(const std::string& directory);

    // What the directory holds.
    Result<KeySpace::Kept> load();
    // Storage errors: then nothing was kept, or nobody knows.
    Result<void> keep(const Effects& effects);

  private:
    struct Databases {
        store::lmdb::Database entries;
        store::lmdb::Database leases;
        store::lmdb::Database meta;
    };
    explicit KeptSpace(std::unique_ptr<store::lmdb::Env> env) : env_(std::move(env)) {}
    Result<void> prepare();
    Result<void> put_changes(store::lmdb::WriteTxn& txn, const Revised& revised) const;

    std::unique_ptr<store::lmdb::Env> env_;
    Databases databases_;
};

}  // namespace skald::coord
