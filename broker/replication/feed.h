// What a primary knows of those that copy its log, and its answers to their fetches.
#pragma once

#include <map>
#include <optional>

#include "broker/replication/standing.h"

namespace skald::broker::replication {

// Of one epoch. A fetch without news waits, one of each replica, until there are some, or for a
// beat.
class Feed {
  public:
    struct Peer {
        std::uint64_t incarnation = 0;
        bool matched = false;     // its log is a part of ours
        bool lost_data = false;   // it had more in an earlier process: its disk forgot
        Offset durable;           // of ours
        std::uint64_t round = 0;  // its last fetch was made after this one began
        Monotonic heard{};
        Monotonic caught_up{};  // it had all there was then
        Monotonic answered{};
        Offset answered_end;
        Offset told;  // high-watermark
        std::optional<Fetch> waits{};
        Monotonic waits_since{};
    };

    void on_fetch(const Member& from, const Fetch& fetch, Standing& standing, const Turn& turn);
    // Answers those that wait, where it is time.
    void serve(const Standing& standing, const Turn& turn);
    // A round begins: fetches that answer to it are made after this. The number is its own.
    std::uint64_t begin_round(const Standing& standing, const Turn& turn);
    std::uint64_t round() const { return round_; }

    const std::map<Uuid, Peer>& peers() const { return peers_; }
    // Those that could be in sync: replicas whose logs have all of ours below `end`, and that were
    // heard lately, in the process that their node is registered with.
    std::vector<Member> caught_up(Offset end, const Standing& standing, const Turn& turn) const;
    // How far the member has our log on its disk; 0 when this is not known of that very disk.
    Offset durable(const Member& member) const;
    // Null likewise.
    const Peer* proven(const Member& member) const;

  private:
    bool admit(Peer& peer, const Member& from, const Fetch& fetch, const Turn& turn);
    void matched(Peer& peer, const Fetch& fetch, const Turn& turn) const;
    FetchAnswer answer_to(const Fetch& fetch, const Standing& standing) const;
    void answer(const Uuid& to, Peer& peer, const Standing& standing, const Turn& turn) const;
    bool has_news(const Peer& peer, const Standing& standing, const Turn& turn) const;

    std::map<Uuid, Peer> peers_;
    std::uint64_t round_ = 0;
};

// How far a quorum of these has the log: what is below is durable on as many as commit it.
Offset quorum_end(const PartitionConfig& config, const Feed& feed, const Member& self,
                  Offset own_end);

}  // namespace skald::broker::replication
