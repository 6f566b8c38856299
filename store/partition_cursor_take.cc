// Taking from a match: as chunks, encoded, or as events.
#include <algorithm>

#include "store/partition_cursor.h"

namespace skald::store {

bool PartitionCursor::fits_whole(const ReadBudget& budget, bool first) const {
    const wire::BatchView& batch = match_->batch.view;
    return match_->whole && budget.events >= batch.size() &&
           (budget.bytes >= batch.bytes().size() || (first && batch.size() == 1));
}

bool PartitionCursor::stays_whole(const ReadBudget& budget) const {
    const wire::BatchView& batch = match_->batch.view;
    return match_->whole && batch.size() <= budget.whole_events &&
           batch.bytes().size() <= budget.whole_bytes;
}

Frame PartitionCursor::take_whole(ReadBudget& budget) {
    const wire::BatchView& batch = match_->batch.view;
    Frame frame = match_->batch.frame ? std::move(match_->batch.frame)
                                      : std::make_shared<const std::string>(as_text(batch.bytes()));
    budget.events -= batch.size();
    budget.bytes -= std::min(budget.bytes, batch.bytes().size());
    move_to(*match_, batch.end());
    match_.reset();
    return frame;
}

void PartitionCursor::split(const ReadBudget& budget) {
    match_->whole = false;
    for (wire::EventCursor cursor(match_->batch.view); cursor.next();) {
        match_->choices.push_back({cursor.index(), cursor.event()});
        if (match_->choices.size() == budget.events) {
            match_->behind = cursor.event().offset + 1;
            return;
        }
    }
}

// How many choices the budget lets go, which it pays.
std::size_t PartitionCursor::fitting(ReadBudget& budget, bool first) const {
    const std::vector<Choice>& left = match_->choices;
    std::size_t count = 0;
    while (count < left.size() && budget.events > 0) {
        const std::size_t nth = options_.backward ? left.size() - 1 - count : count;
        const std::size_t bytes = match_->batch.view.record_bytes(left[nth].index).size();
        if (bytes > budget.bytes && !(first && count == 0)) {
            budget.events = 0;
            break;
        }
        budget.bytes -= std::min(budget.bytes, bytes);
        --budget.events;
        ++count;
    }
    return count;
}

// The first `count` choices in the order of the read are gone.
void PartitionCursor::took(std::size_t count) {
    std::vector<Choice>& left = match_->choices;
    if (count == left.size()) {
        move_to(*match_, match_->behind);
        match_.reset();
        return;
    }
    const Offset base = match_->batch.view.base();
    if (options_.backward) {
        move_to(*match_, base + left[left.size() - count].index);
        left.resize(left.size() - count);
    } else {
        move_to(*match_, base + left[count - 1].index + 1);
        left.erase(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(count));
    }
}

Result<Chunk> PartitionCursor::take(ReadBudget& budget, bool first) {
    const wire::BatchView& batch = match_->batch.view;
    Chunk chunk;
    chunk.partition = log_.partition();
    chunk.first = batch.base();
    chunk.next = batch.end();
    if (fits_whole(budget, first)) {
        chunk.events = batch.size() - (options_.selection.system ? 0 : batch.header().controls);
        chunk.frame = take_whole(budget);
        return chunk;
    }
    if (stays_whole(budget)) {
        return chunk;
    }
    if (match_->whole) {
        split(budget);
    }
    return take_slice(budget, first);
}

Result<Chunk> PartitionCursor::take_slice(ReadBudget& budget, bool first) {
    const wire::BatchView& batch = match_->batch.view;
    const std::vector<Choice>& left = match_->choices;
    const std::size_t count = fitting(budget, first);
    Chunk chunk;
    chunk.partition = log_.partition();
    if (count == 0) {
        return chunk;
    }
    std::vector<wire::Choice> taken;
    taken.reserve(count);
    for (std::size_t i = options_.backward ? left.size() - count : 0; taken.size() < count; ++i) {
        taken.push_back({left[i].index, left[i].event.version});
    }
    chunk.frame = std::make_shared<const std::string>(wire::encode_slice(batch, taken));
    chunk.events = static_cast<std::uint32_t>(count);
    chunk.first = batch.base() + taken.front().index;
    chunk.next = batch.base() + taken.back().index + 1;
    took(count);
    return chunk;
}

Result<std::size_t> PartitionCursor::take_events(ReadBudget& budget, bool first,
                                                 EventBuffer& events) {
    const std::size_t before = events.events().size();
    if (fits_whole(budget, first)) {
        if (auto ok = events.keep(take_whole(budget), log_.partition()); !ok) {
            return ok.error();
        }
        return events.events().size() - before;
    }
    if (stays_whole(budget)) {
        return std::size_t{0};
    }
    if (match_->whole) {
        split(budget);
    }
    const std::vector<Choice>& left = match_->choices;
    const std::size_t count = fitting(budget, first);
    for (std::size_t i = 0; i < count; ++i) {
        events.copy(left[options_.backward ? left.size() - 1 - i : i].event);
    }
    if (count > 0) {
        took(count);
    }
    return count;
}

}  // namespace skald::store
