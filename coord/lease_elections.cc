#include "coord/lease_elections.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "coord/followed.h"
#include "coord/limits.h"
#include "coord/record.h"

namespace skald::coord {
namespace {

Result<void> check_election(std::string_view name) {
    return check_name("an election's name", name, kElectionNameBytesMax);
}

Result<void> check_options(const CampaignOptions& options) {
    if (auto ok = check_text("a candidate's value", options.value, kCandidateBytesMax); !ok) {
        return ok;
    }
    const auto heartbeat = options.heartbeat;
    if (heartbeat.count() != 0 && (heartbeat < kHeartbeatMin || heartbeat > options.ttl / 3)) {
        return refused(fmt::format("a heartbeat comes every {} ms to a third of the lease's time",
                                   kHeartbeatMin.count()));
    }
    return {};
}

std::optional<Leader> leader_of(const Election& election) {
    return election.leader() == nullptr ? std::nullopt
                                        : std::optional(election.last_term()->leader);
}

std::unique_ptr<Followed> follow(Coord& coord, const std::string& name,
                                 std::function<Follow(const Election& election)> take) {
    const auto on_state = [name,
                           take = std::move(take)](const std::vector<std::vector<Entry>>& found) {
        return take(Election(name, found.at(0)));
    };
    return std::make_unique<Followed>(coord, std::vector{Election::keys(name)},
                                      FollowHandler{on_state, {}});
}

}  // namespace

// ---- one's own

// Follows its election, and claims when it is its turn.
class LeaseElections::Campaign final : public Candidacy {
  public:
    Campaign(LeaseElections& elections, std::string name, std::shared_ptr<LeaseKeeper::Kept> lease)
        : elections_(elections),
          name_(std::move(name)),
          key_(Election::candidate_key(name_, lease->id())),
          lease_(std::move(lease)),
          followed_(follow(elections_.coord_, name_,
                           [this](const Election& election) { return take(election); })) {}
    ~Campaign() override { (void)resign(); }

    Result<void> begin() { return followed_->begin(); }

    std::optional<Leader> leading() const override {
        const std::lock_guard lock(mutex_);
        return leading_now();
    }

    Result<Leader> await(std::chrono::milliseconds time) override {
        if (time.count() < 0 || time > kAwaitMax) {
            return refused("a lead is waited for up to 24 h");
        }
        const Clock& clock = elections_.clock_;
        const Monotonic deadline = clock.monotonic() + time;
        std::unique_lock lock(mutex_);
        for (;;) {
            if (auto leads = leading_now()) {
                return std::move(*leads);
            }
            if (lease_ == nullptr) {
                return Error(Errc::not_found, over());
            }
            const Monotonic now = clock.monotonic();
            if (now >= deadline) {
                return Error(Errc::timed_out, fmt::format("it did not lead {} in time", name_));
            }
            // A lease that was thought dead and lives again is told by nobody.
            changed_.wait_for(lock, std::min<Monotonic>(deadline - now, kFollowPauseMin));
        }
    }

    Result<void> resign() override {
        const auto lease = give_up();
        std::unique_ptr<Followed> followed;
        {
            const std::lock_guard lock(mutex_);
            followed.swap(followed_);
        }
        followed.reset();
        // Its key goes with the lease in any case.
        return lease == nullptr ? Error(Errc::not_found, over()) : elections_.leave(name_, key_);
    }

  private:
    std::string over() const { return fmt::format("the campaign for {} is over", name_); }

    std::optional<Leader> leading_now() const {
        return lease_ != nullptr && elections_.keeper_.alive(*lease_) ? leads_ : std::nullopt;
    }

    // Who gets the lease ended it.
    std::shared_ptr<LeaseKeeper::Kept> give_up() {
        const std::lock_guard lock(mutex_);
        changed_.notify_all();
        return std::exchange(lease_, nullptr);
    }

    Follow take(const Election& election) {
        if (election.find(key_) == nullptr) {
            (void)give_up();
            return Follow::no_more;
        }
        note(election.leads(key_) ? leader_of(election) : std::nullopt);
        const Candidate* next = election.next();
        if (next == nullptr || next->key != key_) {
            return Follow::on;
        }
        // Whatever comes of it is seen in the next state: a success is news as well.
        const auto done = elections_.coord_.txn(election.claim(*next, elections_.clock_.now()));
        return done ? Follow::on : Follow::again;
    }
    void note(std::optional<Leader> leads) {
        const std::lock_guard lock(mutex_);
        leads_ = std::move(leads);
        changed_.notify_all();
    }

    LeaseElections& elections_;
    const std::string name_;
    const std::string key_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<Leader> leads_;               // guarded by mutex_, like the rest
    std::shared_ptr<LeaseKeeper::Kept> lease_;  // none: it is over
    std::unique_ptr<Followed> followed_;
};

Result<std::unique_ptr<Candidacy>> LeaseElections::campaign(const std::string& name,
                                                            const CampaignOptions& options) {
    auto ok = check_election(name);
    ok = ok ? check_options(options) : ok;
    if (!ok) {
        return ok.error();
    }
    auto lease = keeper_.grant(options.ttl, options.heartbeat);
    if (!lease) {
        return lease.error();
    }
    const LeaseId id = (*lease)->id();
    const std::string key = Election::candidate_key(name, id);
    ok = change(name, [&](const Election& election, bool) -> Decision {
        if (election.find(key) != nullptr) {
            return std::optional<Txn>();
        }
        if (election.candidates().size() >= kCandidatesMax) {
            return Error(Errc::busy, fmt::format("the election {} has {} candidates, all it can",
                                                 name, election.candidates().size()));
        }
        return std::optional(election.join(id, options, clock_.now()));
    });
    if (!ok) {
        return ok.error();
    }
    auto campaign = std::make_unique<Campaign>(*this, name, std::move(*lease));
    if (ok = campaign->begin(); !ok) {
        return ok.error();
    }
    return std::unique_ptr<Candidacy>(std::move(campaign));
}

// ---- what is asked

Result<Election> LeaseElections::read(const std::string& name) {
    if (auto ok = check_election(name); !ok) {
        return ok.error();
    }
    const auto listing = coord_.get(Election::keys(name), Reading::linearizable);
    if (!listing) {
        return listing.error();
    }
    return Election(name, listing->entries);
}

Result<std::optional<Leader>> LeaseElections::leader(const std::string& name) {
    const auto election = read(name);
    if (!election) {
        return election.error();
    }
    return leader_of(*election);
}

Result<std::vector<Leader>> LeaseElections::candidates(const std::string& name) {
    const auto election = read(name);
    if (!election) {
        return election.error();
    }
    std::vector<Leader> all;
    for (const Candidate& each : election->candidates()) {
        all.push_back(election->leads(each.key) ? *leader_of(*election)
                                                : Leader{each.value, each.priority, 0, each.since});
    }
    return all;
}

Result<std::vector<Term>> LeaseElections::log(const std::string& name) {
    if (auto ok = check_election(name); !ok) {
        return ok.error();
    }
    const auto done = read_together(coord_, {Election::terms(name), Election::keys(name)});
    if (!done) {
        return done.error();
    }
    std::vector<Term> terms = terms_of(done->found[0]);
    if (auto last = Election(name, done->found[1]).last_term()) {
        terms.push_back(std::move(*last));
    }
    return terms;
}

Result<std::vector<std::string>> LeaseElections::names() {
    const auto listing = coord_.get(Election::all_keys(), Reading::linearizable);
    if (!listing) {
        return listing.error();
    }
    return Election::names(*listing);
}

// ---- what is changed

// Read, decided and tried, until nobody came between.
Result<void> LeaseElections::change(const std::string& name, const Decide& decide) {
    std::optional<Error> unknown;
    for (int tries = 0; tries < kElectionTriesMax; ++tries) {
        const auto election = read(name);
        if (!election) {
            return unknown.value_or(election.error());
        }
        const auto txn = decide(*election, unknown.has_value());
        if (!txn || !*txn) {
            return txn ? Result<void>() : txn.error();
        }
        const auto done = coord_.txn(**txn);
        if (done && done->succeeded) {
            return {};
        }
        if (!done && done.error().code != Errc::outcome_unknown) {
            return unknown.value_or(done.error());
        }
        if (!done) {
            unknown = done.error();
        }
    }
    return unknown.value_or(
        Error(Errc::busy, fmt::format("the election {} changes all the time", name)));
}

Result<void> LeaseElections::leave(const std::string& name, const std::string& key) {
    return change(name, [&](const Election& election, bool maybe_done) {
        if (const Candidate* me = election.find(key); me != nullptr) {
            return Decision(election.leave(*me, {TermEnd::resigned, {}, {}, clock_.now()}));
        }
        return maybe_done ? Decision(std::nullopt)
                          : Decision(Error(Errc::not_found, "the campaign was over before"));
    });
}

Result<void> LeaseElections::dismiss(const std::string& name, const std::string& by,
                                     const std::string& reason) {
    auto ok = check_text("who dismisses", by, kDismissalBytesMax);
    ok = ok ? check_text("a reason", reason, kDismissalBytesMax) : ok;
    if (!ok) {
        return ok;
    }
    std::string tried;
    return change(name, [&](const Election& election, bool maybe_done) {
        // Another that leads since is not meant.
        if (maybe_done && !election.leads(tried)) {
            return Decision(std::nullopt);
        }
        const Candidate* leads = election.leader();
        if (leads == nullptr) {
            return Decision(Error(Errc::not_found, fmt::format("nobody leads {}", name)));
        }
        tried = leads->key;
        return Decision(election.leave(*leads, {TermEnd::dismissed, by, reason, clock_.now()}));
    });
}

// ---- what is observed

class LeaseElections::Observed final : public Observation {
  public:
    Observed(LeaseElections& elections, std::string name, TermHandler handler)
        : elections_(elections),
          name_(std::move(name)),
          handler_(std::move(handler)),
          followed_(follow(elections_.coord_, name_,
                           [this](const Election& election) { return take(election); })) {}

    Result<void> begin() { return followed_->begin(); }

  private:
    // All but the current leader.
    static Heard heard_before(const Election& now) {
        const auto last = now.last_term();
        const std::uint64_t term = last ? last->leader.term : 0;
        return {now.leader() != nullptr ? term - 1 : term, true};
    }
    Follow take(const Election& election) {
        if (!heard_) {
            heard_ = heard_before(election);
        }
        const auto last = election.last_term();
        std::vector<Term> terms;
        if (last && last->leader.term > heard_->term) {
            const auto log = elections_.coord_.get(
                Election::terms(name_, heard_->term, last->leader.term), Reading::linearizable);
            if (!log) {
                return Follow::again;
            }
            terms = terms_of(log->entries);
        }
        if (last) {
            terms.push_back(*last);
        }
        for (const Term& term : unheard(*heard_, terms)) {
            handler_(term);
        }
        return Follow::on;
    }

    LeaseElections& elections_;
    const std::string name_;
    const TermHandler handler_;
    std::optional<Heard> heard_;  // of the followed's thread
    const std::unique_ptr<Followed> followed_;
};

Result<std::unique_ptr<Observation>> LeaseElections::observe(const std::string& name,
                                                             TermHandler handler) {
    if (!handler) {
        return refused("an observation has a handler");
    }
    if (auto ok = check_election(name); !ok) {
        return ok.error();
    }
    auto observed = std::make_unique<Observed>(*this, name, std::move(handler));
    if (auto ok = observed->begin(); !ok) {
        return ok.error();
    }
    return std::unique_ptr<Observation>(std::move(observed));
}

std::unique_ptr<Elections> open_elections(Coord& coord, const Clock& clock) {
    return std::make_unique<LeaseElections>(coord, clock);
}

}  // namespace skald::coord
