// One question to the index, asked of each of its parts in turn.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "skald/result.h"
#include "store/index/run.h"
#include "store/index/tail_segment.h"

namespace skald::store::index {

using Axis = RunCursor::Axis;

struct Query {
    Target target;
    Axis axis = Axis::offset;
    std::uint64_t from = 0;  // inclusive, on the axis
    bool backward = false;
    std::size_t limit = 0;
    std::uint64_t floor = 0;  // offsets below this are another part's
    std::uint64_t below = 0;  // offsets from here on are not to be seen
};

// Append what the part holds of the answer, until `out` has `limit` postings.
Result<void> collect(const Run& run, const Query& query, std::vector<Posting>& out);
void collect(const TailSegment& segment, const Query& query, std::vector<Posting>& out);

// The newest posting below `below` and at or above `floor`.
Result<std::optional<Posting>> newest(const Run& run, const Target& target, std::uint64_t below);
std::optional<Posting> newest(const TailSegment& segment, const Target& target, std::uint64_t floor,
                              std::uint64_t below);

}  // namespace skald::store::index
