// Follows keys of the store: reads them again whenever one of them changed, and whenever it had to
// begin anew because a watch ended or the store was away. For those who tell others what there is,
// and for those who do something about it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "skald/coord.h"

namespace skald::coord {

// All of these at one revision: what never was together is not seen together. 1-128 ranges; of each
// what it has, in the order of the keys, in `found`.
Result<TxnResult> read_together(Coord& coord, const std::vector<KeyRange>& ranges);

// What is to come behind a state that was told.
enum class Follow : std::uint8_t {
    on,       // the next state
    again,    // a state in any case, after a pause that grows: this one could not be dealt with
    no_more,  // nothing
};

// Called on the thread of the Followed, without any lock.
struct FollowHandler {
    // The entries of each range, in the order of their keys, all of them at one revision. At first,
    // and when something may have changed: several changes may be told as one, the last one always
    // is; and the same state may be told twice, after a watch ended or when that was asked for.
    std::function<Follow(const std::vector<std::vector<Entry>>& found)> on_state;
    // The store cannot be reached since; false, once the state behind that was told: it can again.
    // May be empty.
    std::function<void(bool away)> on_away;
};

// The store outlives it. Ends when destroyed, which waits for a call that runs; not from within
// one, nor from a handler of Coord::watch.
class Followed {
  public:
    // 1-128 ranges. Calls nobody before begin().
    Followed(Coord& coord, std::vector<KeyRange> ranges, FollowHandler handler)
        : coord_(coord), ranges_(std::move(ranges)), handler_(std::move(handler)) {}
    ~Followed();
    Followed(const Followed&) = delete;
    Followed& operator=(const Followed&) = delete;

    // Once. Errors, behind which nothing is told: those of Coord, when it cannot be read or watched
    // now; busy, when there is no thread.
    Result<void> begin();

  private:
    void run();
    bool await_news(bool again);
    Result<void> catch_up();
    Result<void> read();
    Result<void> watch();

    Coord& coord_;
    const std::vector<KeyRange> ranges_;
    const FollowHandler handler_;
    // Of whoever begins, then of the thread.
    std::vector<std::vector<Entry>> found_;
    Revision read_;  // at which it was found
    bool away_ = false;
    std::chrono::milliseconds pause_{0};

    std::mutex mutex_;
    std::condition_variable news_;
    Revision changed_;   // guarded by mutex_, like the rest: the last that the watches told of
    bool ended_ = true;  // not all of the watches stand
    bool stop_ = false;
    std::vector<std::unique_ptr<Watch>> watches_;  // like found_; they call the rest
    std::thread thread_;
};

}  // namespace skald::coord
