// The beginning of a read, wherever its page goes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "store/volume.h"

namespace skald::store {

// The cursor of a read that may be done, and what its page may hold.
struct PageStart {
    std::unique_ptr<Cursor> cursor;
    ReadBudget budget;
};

// Errors: those of Volume::cursor; stream_not_found, stream_deleted, stream_tombstoned;
// invalid_argument for limits out of range. `allowed`: globs of streams that may be seen.
Result<PageStart> begin_page(Volume& volume, const Read& request,
                             std::vector<std::string> allowed = {});

}  // namespace skald::store
