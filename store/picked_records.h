// Records of one partition that a reader names by their offsets.
#pragma once

#include <span>

#include "store/partition_log.h"
#include "store/volume.h"

namespace skald::store {

// `seen`: what readers may see now. `picks` rise.
Result<Picked> pick_records(const PartitionLog& log, lmdb::Env& env, const Visible& seen,
                            std::span<const Pick> picks);

}  // namespace skald::store
