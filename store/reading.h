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

// Errors: those of Volume::cursor; invalid_argument for limits out of range. `allowed`: globs of
// streams that may be seen.
Result<PageStart> begin_page(Volume& volume, const Read& request,
                             std::vector<std::string> allowed = {});

// To be asked about a page without events, which nothing is wrong with unless it is of a stream
// that is not there: stream_not_found, stream_deleted, stream_tombstoned.
Result<void> explain_empty(Volume& volume, const Selection& selection);

}  // namespace skald::store
