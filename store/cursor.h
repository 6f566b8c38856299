// Cursors over a volume: the partitions a selection touches, merged by their batches' clocks.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "store/partition_cursor.h"
#include "store/volume.h"

namespace skald::store {

// `visible` tells what readers may see now, of all partitions at one moment.
Result<std::unique_ptr<Cursor>> open_cursor(const Logs& logs, lmdb::Env& env,
                                            const CursorOptions& options,
                                            std::function<std::vector<Visible>()> visible);

}  // namespace skald::store
