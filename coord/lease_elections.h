// Elections as keys: each candidate puts one on a lease, follows those of its election, and claims
// the next term when it is its turn (coord/election.h).
#pragma once

#include "coord/election.h"
#include "coord/lease_keeper.h"

namespace skald::coord {

class LeaseElections final : public Elections {
  public:
    LeaseElections(Coord& coord, const Clock& clock)
        : coord_(coord), clock_(clock), keeper_(coord, clock) {}

    Result<std::unique_ptr<Candidacy>> campaign(const std::string& name,
                                                const CampaignOptions& options) override;
    Result<std::optional<Leader>> leader(const std::string& name) override;
    Result<std::vector<Leader>> candidates(const std::string& name) override;
    Result<void> dismiss(const std::string& name, const std::string& by,
                         const std::string& reason) override;
    Result<std::vector<Term>> log(const std::string& name) override;
    Result<std::unique_ptr<Observation>> observe(const std::string& name,
                                                 TermHandler handler) override;
    Result<std::vector<std::string>> names() override;

  private:
    class Campaign;
    class Observed;
    // What is to be changed; none: nothing, or nothing any more. `maybe_done`: the outcome of one
    // that was decided before is not known.
    using Decision = Result<std::optional<Txn>>;
    using Decide = std::function<Decision(const Election& election, bool maybe_done)>;

    Result<Election> read(const std::string& name);
    Result<void> change(const std::string& name, const Decide& decide);
    Result<void> leave(const std::string& name, const std::string& key);

    Coord& coord_;
    const Clock& clock_;
    LeaseKeeper keeper_;
};

}  // namespace skald::coord
