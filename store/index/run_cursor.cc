#include <limits>

#include "store/index/near.h"
#include "store/index/run.h"

namespace skald::store::index {

Result<bool> RunCursor::load(std::size_t block, std::uint32_t index) {
    auto entry = run_.entry(block, index);
    if (!entry) {
        return entry.error();
    }
    if (!entry->is_of(target_)) {
        return false;
    }
    entry_ = *entry;
    block_ = block;
    index_ = index;
    return true;
}

// Whether the entry comes before (target, bound] ends, in the order of the run.
Result<bool> RunCursor::at_or_below(std::size_t block, std::uint32_t index,
                                    const Bound& bound) const {
    const auto entry = run_.entry(block, index);
    if (!entry) {
        return entry.error();
    }
    if (entry->is_of(target_)) {
        return (bound.axis == Axis::offset ? entry->first : entry->version) <= bound.at;
    }
    const std::uint64_t hash = hash_of(entry->kind, entry->key);
    if (hash != target_.hash) {
        return hash < target_.hash;
    }
    return entry->kind != target_.kind ? entry->kind < target_.kind : entry->key < target_.key;
}

Result<std::size_t> RunCursor::last_block(const BlockRange& blocks, const Bound& bound) const {
    std::size_t low = blocks.first;  // the answer is in [low, high]
    std::size_t high = blocks.last;
    while (low < high) {
        const std::size_t middle = high - (high - low) / 2;
        if (auto count = run_.count(middle); !count) {
            return count.error();
        }
        const auto below = at_or_below(middle, 0, bound);
        if (!below) {
            return below.error();
        }
        if (*below) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

Result<std::uint32_t> RunCursor::first_above(std::size_t block, TagRange range,
                                             const Bound& bound) const {
    std::uint32_t low = range.begin;
    std::uint32_t high = range.end;
    while (low < high) {
        const std::uint32_t middle = low + (high - low) / 2;
        const auto below = at_or_below(block, middle, bound);
        if (!below) {
            return below.error();
        }
        if (*below) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

Result<bool> RunCursor::seek(Axis axis, std::uint64_t at) {
    if (run_.info().entry_blocks == 0) {
        return false;
    }
    const BlockRange blocks = run_.blocks_of(target_.hash);
    const Bound bound{axis, at};
    const auto block = last_block(blocks, bound);
    if (!block) {
        return block.error();
    }
    const auto range = run_.tagged(*block, target_.hash);
    if (!range) {
        return range.error();
    }
    const auto above = first_above(*block, *range, bound);
    if (!above) {
        return above.error();
    }
    if (*above > range->begin) {
        auto found = load(*block, *above - 1);
        if (!found || *found) {
            return found;
        }
    }
    if (*above < range->end) {
        return load(*block, *above);
    }
    if (*block == blocks.last) {
        return false;
    }
    if (auto count = run_.count(*block + 1); !count) {
        return count.error();
    }
    return load(*block + 1, 0);
}

Result<bool> RunCursor::next() {
    const auto count = run_.count(block_);
    if (!count) {
        return count.error();
    }
    if (index_ + 1 < *count) {
        return load(block_, index_ + 1);
    }
    if (block_ + 1 == run_.info().entry_blocks) {
        return false;
    }
    if (auto ok = run_.count(block_ + 1); !ok) {
        return ok.error();
    }
    return load(block_ + 1, 0);
}

Result<bool> RunCursor::previous() {
    if (index_ > 0) {
        return load(block_, index_ - 1);
    }
    if (block_ == 0) {
        return false;
    }
    const auto count = run_.count(block_ - 1);
    if (!count) {
        return count.error();
    }
    return load(block_ - 1, *count - 1);
}

}  // namespace skald::store::index
