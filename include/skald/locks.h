// Locks of names, across processes: who holds one, who waits for it in turn, and a number that
// fences off a holder who was paused for too long.
//
// No lock can keep a process from going on after it lost it: it may be stopped just before a write,
// and go on later. So whatever a lock guards checks the token: an append that names the lock as its
// fence (Append::fence) is refused once a later holder's has been seen.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "skald/clock.h"
#include "skald/coord.h"
#include "skald/result.h"

namespace skald::coord {

struct LockOptions {
    std::string owner;  // 1-255 bytes, shown to others
    // Others get it so long after its holder died, at the latest; 1 s to 24 h.
    std::chrono::milliseconds ttl{10000};
    // For it to be free; 0: it is only tried.
    std::chrono::milliseconds wait{0};
    // Ends the wait: timed_out.
    std::stop_token stop{};
};

// Held until it is released, destroyed or lost. Thread safe.
class Lock {
  public:
    virtual ~Lock() = default;
    // False once its lease was not kept alive for two thirds of its time, before it may be
    // another's; and soon after somebody took it away. What is done after that is for the fence to
    // refuse.
    virtual bool held() const = 0;
    // Of one of its names: higher than that of every holder before.
    virtual std::uint64_t token(std::string_view name) const = 0;
    // All of its names. not_found: one of them was lost before; the others are free all the same.
    virtual Result<void> release() = 0;
};

struct LockStatus {
    std::string name;
    std::string owner;
    std::uint64_t token = 0;
    Time since;                        // by the clock of its holder
    std::vector<std::string> waiters;  // owners, in their order
    bool operator==(const LockStatus&) const = default;
};

// That somebody took a lock from its holder.
struct LockBreak {
    std::string name;
    std::string owner;  // who held it
    std::string by;
    std::string reason;
    Time at;
    bool operator==(const LockBreak&) const = default;
};

// Thread safe. Outlives its locks; the store outlives it. Errors of all: those of Coord.
class Locks {
  public:
    virtual ~Locks() = default;
    // All of these names, 1 to 16 of up to 200 bytes without `/`: taken one after the other in
    // their order, whatever the order here, so that two who want the same never wait for one
    // another. Errors: busy: another has one, and `wait` is 0; timed_out: another still has one;
    // not_found: one was taken away while another was waited for; invalid_argument.
    virtual Result<std::unique_ptr<Lock>> acquire(std::vector<std::string> names,
                                                  const LockOptions& options) = 0;
    virtual Result<std::vector<LockStatus>> list() = 0;
    // Takes it from its holder; the next one gets it. not_found: nobody holds it.
    virtual Result<void> take_away(const std::string& name, const std::string& by,
                                   const std::string& reason) = 0;
    // The last time that each name was taken away.
    virtual Result<std::vector<LockBreak>> taken_away() = 0;
};

std::unique_ptr<Locks> open_locks(Coord& coord, const Clock& clock = SystemClock::instance());

}  // namespace skald::coord
