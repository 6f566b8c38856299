// Elections: of those who campaign for a name one leads, and when it goes another takes its place.
// For what one process of several is to do: the term of a leader rises with each, and fences off
// one that was paused and does not know yet that it lost.
//
// A vacancy is filled by the candidate of the highest priority, of several the one that campaigned
// first. A candidate that died without a word counts until its lease is over.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "skald/clock.h"
#include "skald/coord.h"
#include "skald/result.h"

namespace skald::coord {

struct CampaignOptions {
    // 1-4,096 bytes of UTF-8 without control characters, shown to others: who it is, and where it
    // is to be found.
    std::string value;
    std::int32_t priority = 0;  // the highest leads
    // Takes the place of a leader of a lower priority instead of waiting for a vacancy.
    bool preempt = false;
    // Another takes over so long after the leader died, at the latest. 1 s to 24 h.
    std::chrono::milliseconds ttl{10000};
    // How often the lease is kept alive: each 100 ms to a third of its time. 0: a third.
    std::chrono::milliseconds heartbeat{0};
};

enum class TermEnd : std::uint8_t {
    resigned,   // it gave up itself
    dismissed,  // somebody sent it away
    preempted,  // a candidate of a higher priority took its place
    lost,       // its lease ended: it died, could not be heard, or could not say that it resigned
};

// As in the log, `resigned`.
std::string_view name_of(TermEnd end);

struct Leader {
    std::string value;
    std::int32_t priority = 0;
    // From 1, one more than that of the leader before. The fence of what the leader writes: an
    // append with Append::fence of the election's name and its term.
    std::uint64_t term = 0;
    Time since;  // by the leader's clock
    bool operator==(const Leader&) const = default;
};

struct EndedTerm {
    TermEnd why = TermEnd::lost;
    std::string by;      // dismissed: who did; preempted: the value of who took the place
    std::string reason;  // dismissed
    Time at;             // lost: when another took its place; until then 0
    bool operator==(const EndedTerm&) const = default;
};

// One leader's time.
struct Term {
    Leader leader;
    std::optional<EndedTerm> end;  // none: it leads
    bool operator==(const Term&) const = default;
};

// Ends its campaign, and its lead, when destroyed. Thread safe.
class Candidacy {
  public:
    virtual ~Candidacy() = default;
    // Its own, while it leads. None from when its lease was not kept alive for two thirds of its
    // time, before another may lead, and soon after it was dismissed or preempted. What is done
    // after that is for the fence to refuse.
    virtual std::optional<Leader> leading() const = 0;
    // Waits until it leads, up to 24 h. timed_out; not_found: it was dismissed, has resigned, or
    // its lease ended, and it campaigns no more. Who was preempted campaigns on.
    virtual Result<Leader> await(std::chrono::milliseconds time) = 0;
    // Gives up, be it leading or not. not_found: it did before, was dismissed, or its lease had
    // ended. After any other error it has given up as well, and counts until its lease is over.
    virtual Result<void> resign() = 0;
};

// Called on a thread of the observation's own, each term in order: that one leads (no end), and
// that it ended. Terms may be left out when they came faster than they could be read, never the
// last one.
using TermHandler = std::function<void(const Term& term)>;

// Ends when destroyed, which waits for a call that runs; not from within one.
class Observation {
  public:
    virtual ~Observation() = default;
};

// Thread safe. Outlives what it returns; the store outlives it. Names: 1-200 bytes without `/` and
// control characters. Errors of all: those of Coord; invalid_argument.
class Elections {
  public:
    virtual ~Elections() = default;

    // Campaigns from now on. invalid_argument: also a ttl under three heartbeats; busy: also when
    // 256 do. After an error it does not.
    virtual Result<std::unique_ptr<Candidacy>> campaign(const std::string& name,
                                                        const CampaignOptions& options) = 0;
    // None: nobody leads.
    virtual Result<std::optional<Leader>> leader(const std::string& name) = 0;
    // All that campaign, the leader among them, in the order in which they would lead: those that
    // do not, with the term 0 and since when they campaign.
    virtual Result<std::vector<Leader>> candidates(const std::string& name) = 0;
    // Ends the leader's campaign. Who and why have 1-255 bytes, no control characters. not_found:
    // nobody leads.
    virtual Result<void> dismiss(const std::string& name, const std::string& by,
                                 const std::string& reason) = 0;
    // The last 100 terms, the latest last.
    virtual Result<std::vector<Term>> log(const std::string& name) = 0;
    // The current leader, if there is one, and then each change. Goes on by itself when the store
    // could not be reached for a time.
    virtual Result<std::unique_ptr<Observation>> observe(const std::string& name,
                                                         TermHandler handler) = 0;
    // Those that ever had a leader, in order.
    virtual Result<std::vector<std::string>> names() = 0;
};

std::unique_ptr<Elections> open_elections(Coord& coord,
                                          const Clock& clock = SystemClock::instance());

}  // namespace skald::coord
