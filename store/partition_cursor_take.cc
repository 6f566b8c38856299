// Cutting chunks from a match.
#include <algorithm>

#include "store/partition_cursor.h"

namespace skald::store {

Result<Chunk> PartitionCursor::take(ReadBudget& budget, bool first) {
    Match& match = *match_;
    const wire::BatchView& batch = match.batch.view;
    Chunk chunk;
    chunk.partition = log_.partition();
    const bool fits = budget.events >= batch.size() &&
                      (budget.bytes >= batch.bytes().size() || (first && batch.size() == 1));
    if (match.whole && fits) {
        chunk.frame = match.batch.frame
                          ? match.batch.frame
                          : std::make_shared<const std::string>(as_text(batch.bytes()));
        chunk.events = batch.size() - (options_.selection.system ? 0 : batch.header().controls);
        chunk.first = batch.base();
        chunk.next = batch.end();
        budget.events -= batch.size();
        budget.bytes -= std::min(budget.bytes, batch.bytes().size());
        move_to(match, batch.end());
        match_.reset();
        return chunk;
    }
    if (match.whole && batch.size() <= budget.whole_events &&
        batch.bytes().size() <= budget.whole_bytes) {
        chunk.next = batch.end();
        chunk.first = batch.base();
        return chunk;
    }
    if (match.whole) {
        match.whole = false;
        for (wire::EventCursor cursor(batch); cursor.next();) {
            match.choices.push_back({cursor.index(), cursor.event().version});
        }
    }
    return take_slice(budget, first);
}

Result<Chunk> PartitionCursor::take_slice(ReadBudget& budget, bool first) {
    Match& match = *match_;
    const wire::BatchView& batch = match.batch.view;
    std::vector<wire::Choice>& left = match.choices;
    std::size_t count = 0;
    while (count < left.size() && budget.events > 0) {
        const std::size_t nth = options_.backward ? left.size() - 1 - count : count;
        const std::size_t bytes = batch.record_bytes(left[nth].index).size();
        if (bytes > budget.bytes && !(first && count == 0)) {
            budget.events = 0;
            break;
        }
        budget.bytes -= std::min(budget.bytes, bytes);
        --budget.events;
        ++count;
    }
    const auto begin =
        options_.backward ? left.end() - static_cast<std::ptrdiff_t>(count) : left.begin();
    const std::span<const wire::Choice> taken(&*begin, count);
    Chunk chunk;
    chunk.partition = log_.partition();
    if (count == 0) {
        return chunk;
    }
    chunk.frame = std::make_shared<const std::string>(wire::encode_slice(batch, taken));
    chunk.events = static_cast<std::uint32_t>(count);
    chunk.first = batch.base() + taken.front().index;
    chunk.next = batch.base() + taken.back().index + 1;
    const bool all = count == left.size();
    move_to(match, all ? match.behind : options_.backward ? chunk.first : chunk.next);
    left.erase(begin, begin + static_cast<std::ptrdiff_t>(count));
    if (all) {
        match_.reset();
    }
    return chunk;
}

}  // namespace skald::store
