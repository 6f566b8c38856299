// What must hold of a cluster whatever happens to it, looked at after each step: invariants I1 to
// I9 of docs/replication.md, as far as one partition shows them.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/log.h"

namespace skald::sim {

using broker::replication::Member;

class Ledger {
  public:
    // A node holds these to be committed below `end`.
    void committed(const Log& log, Offset end);
    // A process opens an epoch with this log.
    void opened(Epoch epoch, const Member& by, const Log& log);
    // A client was told so.
    void acknowledged(EventId event, Offset offset);
    void refused(EventId event, std::uint64_t expected);
    // A read that began when `acknowledged_below()` was `floor` saw all below `end`.
    void read(Offset floor, Offset end);
    void alarmed(const std::string& what) { fail(what); }

    Offset acknowledged_below() const { return acknowledged_below_; }
    std::size_t acknowledgements() const { return acknowledged_.size(); }
    std::uint64_t reads() const { return reads_; }
    const Log& log() const { return log_; }
    // The first thing that did not hold.
    const std::optional<std::string>& violation() const { return violation_; }
    void fail(const std::string& what) {
        if (!violation_) {
            violation_ = what;
        }
    }

  private:
    Log log_;  // all that was ever committed
    std::map<EventId, Offset> acknowledged_;
    Offset acknowledged_below_;
    std::uint64_t reads_ = 0;
    std::set<EventId> refused_;
    std::map<Epoch, Member> openers_;
    std::optional<std::string> violation_;
};

}  // namespace skald::sim
