// Reading one stream: its versions are in its postings, so its records are read without walking
// their batches.
#include <algorithm>

#include "store/partition_cursor.h"

namespace skald::store {
namespace {

constexpr std::size_t kStreamPage = 512;
constexpr std::size_t kAheadMax = 16;

}  // namespace

// The stream's postings from at_ on, of which there may be more behind; empty when there is none.
Result<std::span<const Posting>> PartitionCursor::postings(const ReadView& view) {
    const auto done = [&](const Posting& posting) {
        return options_.backward ? posting.offset >= at_ : posting.offset < at_;
    };
    while (posting_ < postings_.size() && done(postings_[posting_])) {
        ++posting_;
    }
    if (posting_ == postings_.size()) {
        auto snapshot = index(view);
        if (!snapshot) {
            return snapshot.error();
        }
        auto page = (*snapshot)->postings(*term(), options_.backward ? at_ - 1 : at_,
                                          options_.backward, kStreamPage);
        if (!page) {
            return page.error();
        }
        postings_ = std::move(*page);
        posting_ = 0;
    }
    return std::span<const Posting>(postings_).subspan(posting_);
}

// Finds the batches of the next postings, more each time, and asks for their memory: what one takes
// to come from far is spent on the others.
Result<void> PartitionCursor::look_ahead(const ReadView& view, std::span<const Posting> postings) {
    ahead_.clear();
    auto cursor = log_.reader().cursor(view.txn);
    if (!cursor) {
        return cursor.error();
    }
    for (const Posting& posting : postings) {
        if (!ahead_.empty() && ahead_.back().batch.view.holds(posting.offset)) {
            continue;
        }
        if (ahead_.size() == ahead_max_) {
            break;
        }
        auto batch = log_.reader().at(*cursor, posting.offset);
        if (!batch) {
            return batch.error();
        }
        if (!*batch) {
            break;
        }
        ahead_.push_back({posting.offset, std::move(**batch)});
        const wire::BatchView& found = ahead_.back().batch.view;
        if (found.holds(posting.offset)) {
            found.prefetch_tables(static_cast<std::uint32_t>(posting.offset - found.base()));
        }
    }
    ahead_max_ = std::min(2 * ahead_max_, kAheadMax);
    for (const Ahead& next : ahead_) {
        const wire::BatchView& found = next.batch.view;
        if (found.holds(next.posting)) {
            found.prefetch_record(static_cast<std::uint32_t>(next.posting - found.base()));
        }
    }
    std::reverse(ahead_.begin(), ahead_.end());
    return {};
}

Result<std::optional<BatchRef>> PartitionCursor::posted_batch(const ReadView& view,
                                                              std::span<const Posting> postings) {
    const Offset first = postings.front().offset;
    if (ahead_.empty() || ahead_.back().posting != first) {
        if (auto ok = look_ahead(view, postings); !ok) {
            return ok.error();
        }
        if (ahead_.empty()) {
            return std::optional<BatchRef>();
        }
    }
    std::optional<BatchRef> batch = std::move(ahead_.back().batch);
    ahead_.pop_back();
    return batch;
}

// Fills match.choices with those of the postings that lie in its batch, are wanted and alive, up to
// as many as may be taken.
Result<void> PartitionCursor::choose_posted(const ReadView& view, const LoadMax& max, Match& match,
                                            std::span<const Posting> postings) {
    const wire::BatchView& found = match.batch.view;
    const auto mine = [&](const Posting& posting) { return found.holds(posting.offset); };
    const auto behind = std::find_if_not(postings.begin(), postings.end(), mine);
    const auto mine_count = static_cast<std::size_t>(behind - postings.begin());
    match.choices.reserve(std::min<std::size_t>(mine_count, max.events));
    Offset last = postings.front().offset;
    for (const Posting& posting : postings.first(mine_count)) {
        if (match.choices.size() == max.events) {
            break;
        }
        ++scanned_;
        last = posting.offset;
        const auto i = static_cast<std::uint32_t>(posting.offset - found.base());
        const auto record = found.record(i);
        const auto event = record
                               ? found.event(i, *record, posting.version, options_.selection.name)
                               : std::nullopt;
        if (!event) {
            return record_damaged(found.partition(), posting.offset);
        }
        auto lives = alive(view, *event);
        if (!lives) {
            return lives.error();
        }
        if (*lives && !record->prefix.hole() && wanted(*event)) {
            match.choices.push_back({i, *event});
        }
    }
    if (options_.backward) {
        std::reverse(match.choices.begin(), match.choices.end());
    }
    match.behind = options_.backward ? last : last + 1;
    return {};
}

Result<std::optional<PartitionCursor::Match>> PartitionCursor::look_up_stream(const ReadView& view,
                                                                              const LoadMax& max) {
    const bool backward = options_.backward;
    const Offset begin = log_.start();
    const Offset end = high_watermark(view);
    at_ = backward ? at_ : std::max(at_, begin);
    while (backward ? at_ > begin : at_ < end) {
        if (enough(max)) {
            return std::optional<Match>();
        }
        auto page = postings(view);
        if (!page) {
            return page.error();
        }
        if (page->empty() || page->front().offset < begin) {
            break;
        }
        auto batch = posted_batch(view, *page);
        if (!batch) {
            return batch.error();
        }
        if (!*batch) {
            break;
        }
        Match match;
        match.batch = std::move(**batch);
        if (auto ok = choose_posted(view, max, match, *page); !ok) {
            return ok.error();
        }
        if (!match.choices.empty()) {
            return std::optional(std::move(match));
        }
        move_to(match, match.behind);
    }
    at_ = backward ? Offset{} : std::max(at_, end);
    digest_ = 0;
    return std::optional<Match>();
}

}  // namespace skald::store
