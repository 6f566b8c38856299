// The runs of one manifest, opened.
#pragma once

#include <memory>
#include <vector>

#include "store/index/manifest.h"
#include "store/index/query.h"
#include "store/index/run.h"

namespace skald::store::index {

struct RunSet {
    Manifest manifest;
    std::vector<std::shared_ptr<const Run>> runs;  // oldest first

    std::size_t owned_bytes() const;
    std::size_t count_of_level(std::uint32_t level) const;
};

// Runs that are in `known` too are taken from there; the others are opened. Errors: corrupt,
// io_error.
Result<std::shared_ptr<const RunSet>> open_runs(const lmdb::Txn& txn, lmdb::Database runs,
                                                Manifest manifest, const RunSet* known);

// What is being put together from the newest part of the index to the oldest.
struct HeadSearch {
    Target target;
    std::uint64_t below = 0;
    std::optional<Posting> last;
    std::optional<Offset> lifecycle;

    // Nothing older can add to it.
    bool done() const { return last && lifecycle; }
    void look_into(const TailSegment& segment, std::uint64_t floor);
    Result<void> look_into(const RunSet& runs);
    std::optional<StreamHead> result() const;

  private:
    Result<void> look_into(const Run& run);
};

}  // namespace skald::store::index
