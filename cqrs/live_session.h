// One live query on its way to an asker elsewhere, who polls it. An answer is kept until the next
// poll says that it came, so that none is lost, and none counts twice.
//
// Threads: any; polls go one at a time.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "cqrs/live_messages.h"

namespace skald::cqrs {

class LiveSession {
  public:
    explicit LiveSession(std::unique_ptr<LiveSource> source) : source_(std::move(source)) {}

    // Waits for something to tell as long as the poll says. After the end, the end again and again.
    // invalid_argument for the number of no answer that could be meant.
    Result<LiveAnswer> poll(const PollLive& poll);
    // Polls return at once, now and from then on.
    void stop();
    // Lets go of what is held. The next poll tells the end with this reason.
    void end(const Error& reason);
    // Bytes of rows that wait to be polled, besides those of the last answer.
    std::size_t held() const;

  private:
    // What is told next, as far as it was not yet.
    struct Rest {
        LivePart head;  // without rows
        std::vector<LiveChange> rows;
        std::size_t next = 0;
        std::size_t bytes = 0;  // of all rows
    };
    void fill(std::chrono::milliseconds wait);
    bool put_rest(std::size_t& bytes);
    void drop_rest();
    std::optional<Rest> next(std::chrono::milliseconds wait);
    // `told` is a snapshot or deltas, `rows` its rows.
    template <typename Told, typename Rows>
    static Rest rest_of(LiveKind kind, const Told& told, Rows& rows);

    mutable std::mutex ending_;           // held while source_ is put away, and by who needs it
    std::unique_ptr<LiveSource> source_;  // none: ended. Asked with polling_
    std::atomic<std::size_t> rest_bytes_ = 0;  // of rest_, without what was polled
    std::mutex polling_;                       // guards all below; taken before ending_
    LiveAnswer last_;
    std::optional<Rest> rest_;
    std::optional<LivePart> end_;
};

}  // namespace skald::cqrs
