// Locks as keys: whoever wants a name puts a key below it, on a lease; the oldest of them holds it,
// and each of the others waits for the one before it to go.
#pragma once

#include <map>
#include <stop_token>

#include "coord/lease_keeper.h"
#include "skald/locks.h"

namespace skald::coord {

class LeaseLocks final : public Locks {
  public:
    LeaseLocks(Coord& coord, const Clock& clock)
        : coord_(coord), clock_(clock), keeper_(coord, clock) {}

    Result<std::unique_ptr<Lock>> acquire(std::vector<std::string> names,
                                          const LockOptions& options) override;
    Result<std::vector<LockStatus>> list() override;
    Result<void> take_away(const std::string& name, const std::string& by,
                           const std::string& reason) override;
    Result<std::vector<LockBreak>> taken_away() override;

  private:
    class Held;
    // One who wants names, until it has them all.
    struct Claim {
        std::shared_ptr<LeaseKeeper::Kept> lease;
        std::string owner;
        Monotonic deadline{};
        bool waits = false;
        std::stop_token stop;
    };
    Result<Entry> take(const std::string& name, const Claim& claim);
    Result<void> await_turn(const std::string& name, const Entry& before, Revision seen,
                            const Claim& claim);

    Coord& coord_;
    const Clock& clock_;
    LeaseKeeper keeper_;
};

}  // namespace skald::coord
