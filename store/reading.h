// A page of a read as chunks, for whoever decodes it here or sends it on.
#pragma once

#include <vector>

#include "store/volume.h"

namespace skald::store {

struct ChunkPage {
    std::vector<Chunk> chunks;
    Position next;
    bool end = false;
};

// The cursor of a read that may be done, and what its page may hold. Errors as read_page().
struct PageStart {
    std::unique_ptr<Cursor> cursor;
    ReadBudget budget;
};
Result<PageStart> begin_page(Volume& volume, const Read& request, std::vector<std::string> allowed);

// Errors: those of Volume::cursor; stream_not_found, stream_deleted, stream_tombstoned;
// invalid_argument for limits out of range. `allowed`: globs of streams that may be seen.
Result<ChunkPage> read_page(Volume& volume, const Read& request,
                            std::vector<std::string> allowed = {});

// Appends the chunk's events, in the order of the read, pointing into its frame.
Result<void> decode_chunk(const Chunk& chunk, bool backward, std::vector<EventView>& events);

}  // namespace skald::store
