// Reads one partition for one reader: finds the next batch with records it wants and may see, and
// cuts chunks from it.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "store/event_buffer.h"
#include "store/lifecycle_mask.h"
#include "store/partition_log.h"
#include "store/positions.h"
#include "store/query_scan.h"
#include "store/volume.h"

namespace skald::store {

// What one call of a cursor sees: one transaction, one high-watermark a partition.
struct ReadView {
    const lmdb::ReadTxn& txn;
    const std::vector<Visible>& visible;
};

// How much one load of a partition may look at, and choose for whoever takes from it.
struct LoadMax {
    std::size_t records;
    std::uint32_t events;
};

class PartitionCursor {
  public:
    PartitionCursor(PartitionLog& log, const CursorOptions& options, const Place& place);

    // Looks for the next match unless one is loaded; false when there is none below the
    // high-watermark, or `max.records` records were looked at (see exhausted()), but at least one
    // batch: so each call gets on. Of the match `max.events` records are chosen, unless they are
    // read backward out of a whole batch. The match stays valid until release().
    Result<bool> load(const ReadView& view, const LoadMax& max);
    bool exhausted() const { return exhausted_; }
    std::size_t scanned() const { return scanned_; }  // records, by the last load
    // Of the loaded match.
    Time clock() const { return match_->batch.view.recorded_at(); }
    // Takes as much of the match as the budget lets, at least one event; lowers the budget. Nothing
    // (no events) when it would have to cut a batch that is to go whole, or when it is not the
    // first and nothing fits.
    Result<Chunk> take(ReadBudget& budget, bool first);
    // The same, into `events`; how many.
    Result<std::size_t> take_events(ReadBudget& budget, bool first, EventBuffer& events);
    // Bytes of the batch that the match is in.
    std::size_t match_bytes() const { return match_->batch.view.bytes().size(); }
    // Before the view ends: forgets what points into it.
    void release();

    PartitionPosition position() const { return position_of(log_, at_, digest_); }

  private:
    struct Choice {
        std::uint32_t index = 0;  // in its batch
        EventView event;          // valid like the batch
    };
    struct Match {
        BatchRef batch;
        std::vector<Choice> choices;  // rising; what is left of them
        bool whole = false;
        Offset behind;  // where to go on when all is taken: there may be more in the batch
    };
    Result<std::optional<Match>> find(const ReadView& view, const LoadMax& max);
    Result<std::optional<Match>> scan(const ReadView& view, const LoadMax& max);
    Result<std::optional<Match>> look_up(const ReadView& view, const LoadMax& max);
    Result<std::optional<Match>> look_up_stream(const ReadView& view, const LoadMax& max);
    Result<std::span<const Posting>> postings(const ReadView& view);
    Result<std::optional<BatchRef>> posted_batch(const ReadView& view,
                                                 std::span<const Posting> postings);
    Result<void> look_ahead(const ReadView& view, std::span<const Posting> postings);
    Result<void> choose_posted(const ReadView& view, const LoadMax& max, Match& match,
                               std::span<const Posting> postings);
    // Whether this call looked at its share; the place where it stops is at_.
    bool enough(const LoadMax& max);
    Result<bool> choose(const ReadView& view, const LoadMax& max, Match& match,
                        OffsetStream* offsets);
    bool takes_whole(const wire::BatchView& batch) const;
    bool wanted(const EventView& event) const;
    Result<bool> alive(const ReadView& view, const EventView& event);
    Result<const IndexSnapshot*> index(const ReadView& view);
    std::optional<Term> term() const;
    Offset high_watermark(const ReadView& view) const;
    bool fits_whole(const ReadBudget& budget, bool first) const;
    bool stays_whole(const ReadBudget& budget) const;
    Frame take_whole(ReadBudget& budget);
    void split(const ReadBudget& budget);
    std::size_t fitting(ReadBudget& budget, bool first) const;
    void took(std::size_t count);
    Result<Chunk> take_slice(ReadBudget& budget, bool first);
    void move_to(const Match& match, Offset at);

    PartitionLog& log_;
    const CursorOptions& options_;
    std::size_t partition_;
    Offset at_;
    std::uint32_t digest_;
    Version version_min_;
    std::optional<Match> match_;
    bool exhausted_ = false;
    std::size_t scanned_ = 0;
    std::unique_ptr<IndexSnapshot> index_;
    std::unique_ptr<OffsetStream> offsets_;
    std::vector<Posting> postings_;  // of a stream, of this view; those before posting_ are done
    std::size_t posting_ = 0;
    struct Ahead {
        Offset posting;
        BatchRef batch;
    };
    std::vector<Ahead> ahead_;  // of the next postings, backwards: the last comes first
    std::size_t ahead_max_ = 1;
    LifecycleMask mask_;
};

}  // namespace skald::store
