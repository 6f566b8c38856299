// The primary of an open epoch: what is committed, who is in sync, which reads may be answered
// (rules R3 to R6), and the way it gives its place to another.
#pragma once

#include "broker/replication/feed.h"

namespace skald::broker::replication {

class Primary {
  public:
    // With what a takeover knows of the others. Asks for the barrier: what was inherited is
    // committed by it alone.
    Primary(Feed feed, Standing& standing, const Turn& turn);

    void on_fetch(const Message& message, const Fetch& fetch, Standing& standing, const Turn& turn);
    void log_grew(Standing& standing, const Turn& turn);
    void config_changed(Standing& standing, const Turn& turn);
    void tick(Standing& standing, const Turn& turn);
    std::uint64_t confirm(const Standing& standing, const Turn& turn);
    // False: that one is not in sync.
    bool hand_over(const Uuid& to, Standing& standing, const Turn& turn);

    const Feed& feed() const { return feed_; }
    bool takes_appends() const { return intake_ == Intake::open; }

  private:
    // Who is to be in sync. From when it is wished, what is committed is so by both sets.
    struct Wish {
        std::vector<Member> in_sync;
        std::vector<Member> joining;
        std::vector<Uuid> have;  // must have all below `need` before it is proposed
        Offset need;
    };
    void advance(Standing& standing, const Turn& turn);
    void maintain(Standing& standing, const Turn& turn);
    std::optional<Wish> wish(const Standing& standing, const Turn& turn) const;
    std::optional<Wish> renewal(const Standing& standing, const Turn& turn) const;
    std::optional<Wish> leave(const Standing& standing, const Turn& turn) const;
    std::optional<Wish> join(const Standing& standing, const Turn& turn) const;
    bool may_stay(const Member& member, const Standing& standing, const Turn& turn) const;
    void propose_wish(Standing& standing, const Turn& turn);
    void propose_hand_over(Standing& standing, const Turn& turn);
    void watch_intake(const Standing& standing, const Turn& turn);
    void confirm_reads(const Standing& standing, const Turn& turn);

    Feed feed_;
    Offset barrier_;  // from here on are records of this epoch
    Monotonic since_;
    std::optional<Wish> wish_;
    struct HandOver {
        Uuid to;
        Monotonic since;
    };
    std::optional<HandOver> hands_over_;
    Intake intake_ = Intake::closed;
    std::string why_;
    std::uint64_t confirmed_ = 0;
};

}  // namespace skald::broker::replication
