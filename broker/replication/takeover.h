// The steps by which a replica becomes the primary of an epoch that it was given (rule R9): no
// member that could commit in an epoch before goes on, the longest log leads, and as many as must
// be in sync have all of it before the epoch is opened.
#pragma once

#include <map>

#include "broker/replication/feed.h"

namespace skald::broker::replication {

// Until the epoch is open nothing is appended in it, so that another may still be given it.
class Takeover {
  public:
    Takeover(Standing& standing, const Turn& turn);

    void on_fence_answer(const Message& message, const FenceAnswer& answer, Standing& standing,
                         const Turn& turn);
    void on_fetch(const Message& message, const Fetch& fetch, Standing& standing, const Turn& turn);
    void tick(Standing& standing, const Turn& turn);
    const Feed& feed() const { return feed_; }
    // Its log is the one to go on with.
    bool leading() const { return leading_; }

  private:
    void fence(const Standing& standing, const Turn& turn);
    void go_on(Standing& standing, const Turn& turn);
    bool decide(Standing& standing, const Turn& turn);
    void open(Standing& standing, const Turn& turn);
    bool all_answered(const Standing& standing) const;

    std::map<Uuid, FenceAnswer> answers_;  // of those in sync, its own among them
    std::map<Uuid, Message> early_;        // fetches that came before its log led
    Feed feed_;
    bool leading_ = false;
    Monotonic since_{};  // it began, or leads
    Monotonic fenced_{};
};

}  // namespace skald::broker::replication
