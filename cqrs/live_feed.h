// What commits change in the range of one live query, on its way to the thread that tells it.
//
// Threads: join() to end() are called with a turn of the hub (live_hub.h), one at a time; the rest
// by the consumer's thread, but for stop() and held(), which are anybody's.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cqrs/row_scan.h"
#include "skald/cqrs/live_query.h"

namespace skald::cqrs {

// Which rows of a version a scan of a plan would meet.
class LiveRange {
  public:
    LiveRange(std::uint32_t version, const RowSchema& schema, ScanPlan plan);
    std::uint32_t version() const { return version_; }
    bool holds(std::string_view key, std::string_view stored);
    LiveDelta<std::string> delta(LiveOp op, std::string_view key, std::string_view stored) const;

  private:
    std::uint32_t version_;
    IndexSchema key_;
    std::size_t indexes_;
    ScanPlan plan_;
    bool unique_ = false;  // the index walked
    std::string entry_;
};

class LiveFeed {
  public:
    using Deltas = LiveDeltas<std::string>;

    // Version 0: the active one, whichever it is.
    LiveFeed(std::uint32_t version, std::size_t changes_max);

    std::uint32_t version() const { return wanted_; }
    // Takes what later commits change in the range.
    void join(LiveRange range) { range_ = std::move(range); }
    bool is_of(std::uint32_t version) const { return range_ && range_->version() == version; }
    // Of a commit that is being written. Then either committed() or undone().
    void changed(std::string_view key, std::optional<std::string_view> before,
                 std::optional<std::string_view> after);
    void committed(const Position& position);
    void undone();
    // What waits is dropped, and nothing taken until it joins anew. One that has not joined wakes.
    void interrupt(Resync why);
    // One that has not joined may be able to, now.
    void wake();
    void end(const Error& reason);

    // Deltas, a resync or the end; nothing when the wait is over, or it was stopped.
    LiveNext next(std::chrono::milliseconds wait);
    // To be called before one tries to join; waits then, after it could not, for a reason to try
    // again.
    void begin_joining();
    void wait_to_join(std::chrono::milliseconds wait);
    void stop();
    std::size_t held() const;  // bytes of the rows that wait

  private:
    void note(LiveOp op, std::string_view key, std::string_view stored);
    bool over() const { return stopped_ || ended_; }

    const std::uint32_t wanted_;
    const std::size_t changes_max_;

    // Of whoever has the turn.
    std::optional<LiveRange> range_;  // none: it has not joined
    std::vector<LiveDelta<std::string>> open_;
    std::size_t open_bytes_ = 0;
    bool open_full_ = false;

    mutable std::mutex mutex_;  // guards all below
    std::condition_variable changed_;
    std::deque<Deltas> waiting_;
    std::size_t changes_ = 0;  // that wait, like the next
    std::size_t bytes_ = 0;
    std::optional<Resync> resync_;
    std::optional<Error> ended_;
    bool woken_ = false;
    bool stopped_ = false;
};

}  // namespace skald::cqrs
