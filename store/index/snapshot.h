// The IndexSnapshot: the runs of a transaction's manifest, and the segments that go on from there.
#pragma once

#include <memory>
#include <vector>

#include "store/index.h"
#include "store/index/run_set.h"

namespace skald::store::index {

class Snapshot final : public IndexSnapshot {
  public:
    Snapshot(std::shared_ptr<const RunSet> runs,
             std::vector<std::shared_ptr<const TailSegment>> segments, Offset below);

    Result<std::vector<Posting>> postings(const Term& term, Offset from, bool backward,
                                          std::size_t limit) const override;
    Result<std::vector<Posting>> versions(std::string_view stream, Version from, bool backward,
                                          std::size_t limit) const override;
    Result<std::optional<StreamHead>> head(std::string_view stream) const override;
    Result<std::vector<std::string>> keys(
        TermKind kind, std::string_view after, std::size_t limit,
        const std::function<bool(std::string_view)>& wanted) const override;
    Result<std::uint64_t> fingerprint() const override;

  private:
    Result<std::vector<Posting>> answer(const Query& query) const;
    Result<void> ask_runs(const Query& query, std::vector<Posting>& out) const;
    void ask_segments(const Query& query, std::vector<Posting>& out) const;

    std::shared_ptr<const RunSet> runs_;
    std::vector<std::shared_ptr<const TailSegment>> segments_;  // oldest first
    std::uint64_t covered_;  // runs answer below, segments from here on
    std::uint64_t below_;
};

}  // namespace skald::store::index
