#include "store/partition_cursor.h"

#include <algorithm>

#include "base/glob.h"
#include "base/limits.h"

namespace skald::store {

PartitionCursor::PartitionCursor(PartitionLog& log, const CursorOptions& options,
                                 const Place& place)
    : log_(log),
      options_(options),
      partition_(place.partition),
      at_(place.at),
      digest_(place.digest),
      version_min_(place.version_min) {}

Offset PartitionCursor::high_watermark(const ReadView& view) const {
    return view.visible[partition_].high_watermark;
}

Result<bool> PartitionCursor::load(const ReadView& view, const LoadMax& max) {
    scanned_ = 0;
    if (match_) {
        return true;
    }
    exhausted_ = false;
    auto found = find(view, max);
    if (!found) {
        return found.error();
    }
    match_ = std::move(*found);
    return match_.has_value();
}

void PartitionCursor::release() {
    match_.reset();
    offsets_.reset();
    postings_.clear();
    posting_ = 0;
    ahead_.clear();
    index_.reset();
    mask_.forget();
}

Result<std::optional<PartitionCursor::Match>> PartitionCursor::find(const ReadView& view,
                                                                    const LoadMax& max) {
    switch (options_.selection.kind) {
        case Selection::Kind::all:
            return scan(view, max);
        case Selection::Kind::stream:
            return look_up_stream(view, max);
        default:
            return look_up(view, max);
    }
}

Result<const IndexSnapshot*> PartitionCursor::index(const ReadView& view) {
    if (!index_) {
        auto snapshot = log_.index().snapshot(view.txn, high_watermark(view));
        if (!snapshot) {
            return snapshot.error();
        }
        index_ = std::move(*snapshot);
    }
    return index_.get();
}

bool PartitionCursor::takes_whole(const wire::BatchView& batch) const {
    const Selection& selection = options_.selection;
    const bool plain = selection.kind == Selection::Kind::all && selection.types.empty() &&
                       selection.streams.empty() && options_.allowed.empty();
    return plain && at_ <= batch.base() && batch.header().holes == 0 && !log_.has_lifecycle() &&
           (selection.system || batch.header().controls == 0);
}

bool PartitionCursor::wanted(const EventView& event) const {
    const Selection& selection = options_.selection;
    return (selection.system || !event.control) && event.version >= version_min_ &&
           matches_any(options_.allowed, event.stream) &&
           matches_any(selection.streams, event.stream) && matches_any(selection.types, event.type);
}

Result<bool> PartitionCursor::alive(const ReadView& view, const EventView& event) {
    if (!log_.has_lifecycle() || event.control) {
        return true;
    }
    auto snapshot = index(view);
    if (!snapshot) {
        return snapshot.error();
    }
    return mask_.alive(log_, **snapshot, view.visible[partition_].clock, event);
}

// Fills match.choices with the records at or beyond at_ that are wanted and alive, up to as many as
// may be taken; of those that `offsets` leads to, when given.
Result<bool> PartitionCursor::choose(const ReadView& view, const LoadMax& max, Match& match,
                                     OffsetStream* offsets) {
    const wire::BatchView& batch = match.batch.view;
    wire::EventCursor cursor(batch);
    std::optional<Offset> next;
    if (offsets != nullptr) {
        auto found = offsets->seek(std::max(at_, batch.base()));
        if (!found) {
            return found.error();
        }
        next = *found;
    }
    std::uint32_t seen = 0;
    while (cursor.next()) {
        ++seen;
        ++scanned_;
        const EventView& event = cursor.event();
        const bool behind = options_.backward ? event.offset >= at_ : event.offset < at_;
        if (behind || cursor.hole()) {
            continue;
        }
        if (offsets != nullptr) {
            // It may point at a hole that was passed over: the index knows it as what it was.
            if (next && *next < event.offset) {
                auto found = offsets->seek(event.offset);
                if (!found) {
                    return found.error();
                }
                next = *found;
            }
            if (!next || event.offset < *next) {
                continue;
            }
        }
        if (!wanted(event)) {
            continue;
        }
        auto lives = alive(view, event);
        if (!lives) {
            return lives.error();
        }
        if (*lives) {
            match.choices.push_back({cursor.index(), event});
        }
        if (!options_.backward && match.choices.size() == max.events) {
            match.behind = event.offset + 1;
            return true;
        }
    }
    if (seen != batch.size()) {
        return record_damaged(batch.partition(), batch.base() + seen);
    }
    return !match.choices.empty();
}

Result<std::optional<PartitionCursor::Match>> PartitionCursor::scan(const ReadView& view,
                                                                    const LoadMax& max) {
    const Offset begin = log_.start();
    const Offset end = high_watermark(view);
    while (options_.backward ? at_ > begin : at_ < end) {
        if (enough(max)) {
            return std::optional<Match>();
        }
        auto batch = options_.backward ? log_.reader().at_or_before(view.txn, at_ - 1)
                                       : log_.reader().at(view.txn, at_);
        if (!batch) {
            return batch.error();
        }
        if (!*batch) {
            break;
        }
        Match match;
        match.batch = std::move(**batch);
        const wire::BatchView& found = match.batch.view;
        match.behind = options_.backward ? found.base() : found.end();
        match.whole = !options_.backward && takes_whole(found);
        if (match.whole) {
            scanned_ += found.size();
            return std::optional(std::move(match));
        }
        auto some = choose(view, max, match, nullptr);
        if (!some) {
            return some.error();
        }
        if (*some) {
            return std::optional(std::move(match));
        }
        move_to(match, match.behind);
    }
    return std::optional<Match>();
}

bool PartitionCursor::enough(const LoadMax& max) {
    exhausted_ = scanned_ > 0 && scanned_ >= max.records;
    return exhausted_;
}

std::optional<Term> PartitionCursor::term() const {
    const Selection& selection = options_.selection;
    switch (selection.kind) {
        case Selection::Kind::stream:
            return Term::of(TermKind::stream, selection.name);
        case Selection::Kind::category:
            return Term::of(TermKind::category, selection.name);
        case Selection::Kind::type:
            return Term::of(TermKind::type, selection.name);
        case Selection::Kind::correlation:
            return Term::of(TermKind::correlation, selection.name);
        default:
            return std::nullopt;
    }
}

Result<std::optional<PartitionCursor::Match>> PartitionCursor::look_up(const ReadView& view,
                                                                       const LoadMax& max) {
    auto snapshot = index(view);
    if (!snapshot) {
        return snapshot.error();
    }
    if (!offsets_) {
        const auto named = term();
        offsets_ = named ? scan_term(**snapshot, *named)
                         : scan_query(**snapshot, options_.selection.query);
    }
    const Offset end = high_watermark(view);
    while (at_ < end) {
        auto next = offsets_->seek(at_);
        if (!next) {
            return next.error();
        }
        if (!*next) {
            break;
        }
        if (enough(max)) {
            return std::optional<Match>();
        }
        auto batch = log_.reader().at(view.txn, **next);
        if (!batch) {
            return batch.error();
        }
        if (!*batch) {
            break;
        }
        Match match;
        match.batch = std::move(**batch);
        match.behind = match.batch.view.end();
        move_to(match, **next);
        auto some = choose(view, max, match, offsets_.get());
        if (!some) {
            return some.error();
        }
        if (*some) {
            return std::optional(std::move(match));
        }
        move_to(match, match.behind);
    }
    at_ = std::max(at_, end);
    digest_ = 0;
    return std::optional<Match>();
}

void PartitionCursor::move_to(const Match& match, Offset at) {
    at_ = at;
    const wire::BatchView& batch = match.batch.view;
    digest_ = digest_of(at == batch.end() ? batch.header().chain : batch.header().chain_before);
}

}  // namespace skald::store
