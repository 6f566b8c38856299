#include "coord/election.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "coord/key_space.h"
#include "coord/limits.h"
#include "tests/coord/elections_seen.h"

namespace skald::coord {
namespace {

// The keys of one election, and what changes them.
class Keys {
  public:
    Election read() const { return Election("e", space_.list(Election::keys("e"))); }
    Revision revision() const { return space_.revision(); }
    std::vector<Term> terms() const {
        std::vector<Term> all = terms_of(space_.list(Election::terms("e")));
        if (const auto last = read().last_term()) {
            all.push_back(*last);
        }
        return all;
    }
    bool run(const Txn& txn) {
        Effects effects;
        const auto done = space_.txn(txn, effects);
        return done && done->succeeded;
    }
    LeaseId grant() {
        Effects effects;
        return space_.grant(kTtlMin, Monotonic{}, effects).value();
    }
    void revoke(LeaseId lease) {
        Effects effects;
        REQUIRE(space_.revoke(lease, effects));
    }
    // Campaigns; back its key.
    std::string join(const CampaignOptions& options, Time now = {}) {
        const LeaseId lease = grant();
        REQUIRE(run(read().join(lease, options, now)));
        return Election::candidate_key("e", lease);
    }
    // As many claims as it takes until nobody is next.
    void settle(Time now = {}) {
        for (Election election = read(); election.next() != nullptr; election = read()) {
            REQUIRE(run(election.claim(*election.next(), now)));
        }
    }

  private:
    KeySpace space_{{}, Monotonic{}};
};

// Those who campaign decide by what they read, and do it only some time later.
class World {
  public:
    void step() {
        now_.us += 1;
        switch (*rc::gen::inRange(0, 8)) {
            case 0:
                return join();
            case 1:
                return end_lease();
            case 2:
                return decide_leave();
            case 3:
            case 4:
                (void)decide_claim();
                return;
            case 5:
                return hear();
            default:
                return act();
        }
    }
    void check() const {
        const Election election = keys_.read();
        std::vector<std::string> order;
        for (const Candidate& each : election.candidates()) {
            order.push_back(each.key);
        }
        std::vector<std::string> wanted;
        for (const Candidate& each : campaigning_) {
            wanted.push_back(each.key);
        }
        RC_ASSERT(order == wanted);
        RC_ASSERT((election.leader() != nullptr) == leader_.has_value());
        RC_ASSERT((!leader_ || election.leads(*leader_)));
        RC_ASSERT(keys_.terms() == terms_);
    }
    // What was decided is done or not, and whoever is next claims.
    void settle() {
        while (!decided_.empty()) {
            act();
        }
        while (decide_claim()) {
            act();
        }
        check();
        RC_ASSERT(leader_.has_value() == !campaigning_.empty());
        for (const Candidate& each : campaigning_) {
            RC_ASSERT((!each.preempt || each.priority <= find(*leader_)->priority));
        }
        hear();
        std::vector<Term> wanted;
        for (const Term& term : terms_) {
            wanted.push_back({term.leader, std::nullopt});
            if (term.end) {
                wanted.push_back(term);
            }
        }
        for (Term& term : wanted) {
            if (term.end && term.end->why == TermEnd::lost) {
                term.end->at = {};  // it may have been told before another took its place
            }
        }
        RC_ASSERT(heard_ == wanted);
    }

  private:
    struct Decided {
        enum class What { claim, leave } what;
        std::string who;
        Txn txn;
        EndedTerm end;  // leave
        Time at;
    };
    using Place = std::vector<Candidate>::iterator;

    Place find(const std::string& key) {
        return std::find_if(campaigning_.begin(), campaigning_.end(),
                            [&](const Candidate& each) { return each.key == key; });
    }
    const Candidate& some() const {
        return campaigning_[*rc::gen::inRange<std::size_t>(0, campaigning_.size())];
    }
    void join() {
        Candidate one;
        one.value = "c" + std::to_string(++count_);
        one.priority = *rc::gen::inRange(-1, 3);
        one.preempt = *rc::gen::arbitrary<bool>();
        one.since = now_;
        one.key = keys_.join(candidate(one.value, one.priority, one.preempt), now_);
        one.created = keys_.revision();
        // Behind all of its priority or a higher one.
        const auto place =
            std::find_if(campaigning_.begin(), campaigning_.end(),
                         [&](const Candidate& each) { return each.priority < one.priority; });
        campaigning_.insert(place, one);
    }
    void gone(const std::string& key, const EndedTerm& end) {
        campaigning_.erase(find(key));
        if (leader_ == key) {
            terms_.back().end = end;
            leader_.reset();
        }
    }
    void end_lease() {
        if (!campaigning_.empty()) {
            const std::string key = some().key;
            keys_.revoke(LeaseId{std::stoull(key.substr(key.rfind('/') + 1), nullptr, 16)});
            gone(key, EndedTerm{});
        }
    }
    bool decide_claim() {
        const Election election = keys_.read();
        const Candidate* next = election.next();
        if (next != nullptr) {
            decided_.push_back(
                {Decided::What::claim, next->key, election.claim(*next, now_), {}, now_});
        }
        return next != nullptr;
    }
    void decide_leave() {
        if (!campaigning_.empty()) {
            const Candidate who = some();
            const EndedTerm end = *rc::gen::arbitrary<bool>()
                                      ? EndedTerm{TermEnd::resigned, {}, {}, now_}
                                      : EndedTerm{TermEnd::dismissed, "op", "why", now_};
            decided_.push_back(
                {Decided::What::leave, who.key, keys_.read().leave(who, end), end, now_});
        }
    }
    // One of what was decided is done now, if it still may be.
    void act() {
        if (decided_.empty()) {
            return;
        }
        const auto it = decided_.begin() + *rc::gen::inRange<std::ptrdiff_t>(
                                               0, static_cast<std::ptrdiff_t>(decided_.size()));
        const Decided decided = *it;
        decided_.erase(it);
        if (!keys_.run(decided.txn)) {
            return;
        }
        if (decided.what == Decided::What::leave) {
            return gone(decided.who, decided.end);
        }
        const auto me = find(decided.who);
        RC_ASSERT(me != campaigning_.end());
        for (auto before = campaigning_.begin(); before != me; ++before) {
            // None of those before it may lead.
            RC_ASSERT(
                (leader_ && !(before->preempt && before->priority > find(*leader_)->priority)));
        }
        if (leader_) {
            RC_ASSERT((me->preempt && me->priority > find(*leader_)->priority));
            terms_.back().end = {TermEnd::preempted, me->value, {}, decided.at};
        } else if (!terms_.empty() && terms_.back().end->why == TermEnd::lost) {
            terms_.back().end->at = decided.at;
        }
        leader_ = me->key;
        terms_.push_back({{me->value, me->priority, terms_.size() + 1, decided.at}, {}});
    }
    void hear() {
        for (Term term : unheard(ears_, keys_.terms())) {
            if (term.end && term.end->why == TermEnd::lost) {
                term.end->at = {};
            }
            heard_.push_back(term);
        }
    }

    Keys keys_;
    Time now_{1000};
    int count_ = 0;
    std::vector<Candidate> campaigning_;  // in the order in which they would lead
    std::optional<std::string> leader_;
    std::vector<Term> terms_;
    std::vector<Decided> decided_;
    Heard ears_;
    std::vector<Term> heard_;
};

}  // namespace

TEST_CASE("election: whoever comes, goes and claims late, the rule holds", "[coord][model]") {
    const bool ok = rc::check([] {
        World world;
        const auto steps = *rc::gen::inRange(0, 90);
        for (int i = 0; i < steps; ++i) {
            world.step();
            world.check();
        }
        world.settle();
    });
    CHECK(ok);
}

TEST_CASE("election: who joins before a claim is done is asked first", "[coord]") {
    Keys keys;
    keys.join(candidate("low"));
    const Election election = keys.read();
    const std::string high = keys.join(candidate("high", 1));
    CHECK_FALSE(keys.run(election.claim(*election.next(), {})));
    keys.settle();
    CHECK(keys.read().leads(high));
}

TEST_CASE("election: who died just before is not preempted", "[coord]") {
    Keys keys;
    const LeaseId lease = keys.grant();
    REQUIRE(keys.run(keys.read().join(lease, candidate("low"), {})));
    keys.settle();
    keys.join(candidate("high", 1, true));
    const Election election = keys.read();
    keys.revoke(lease);
    CHECK_FALSE(keys.run(election.claim(*election.next(), {})));
    keys.settle();
    CHECK(keys.terms().front().end->why == TermEnd::lost);
}

TEST_CASE("election: whose key comes back after its term leads no more", "[coord]") {
    Keys keys;
    const Txn join = keys.read().join(keys.grant(), candidate("late"), {});
    REQUIRE(keys.run(join));
    keys.settle();
    const Election election = keys.read();
    REQUIRE(keys.run(election.leave(*election.leader(), {TermEnd::dismissed, "op", "why", {}})));
    REQUIRE(keys.run(join));  // done only now, of an earlier try
    CHECK(keys.read().leader() == nullptr);
    CHECK(keys.read().last_term()->end->why == TermEnd::dismissed);
    keys.settle();
    CHECK(keys.read().last_term()->leader.term == 2);
}

TEST_CASE("election: the last hundred terms are kept", "[coord]") {
    Keys keys;
    for (std::size_t i = 0; i < kTermsKept + 30; ++i) {
        keys.join(candidate(std::to_string(i)));
        keys.settle();
        const Election election = keys.read();
        REQUIRE(keys.run(election.leave(*election.leader(), {})));
        if (i == kTermsKept - 1) {
            CHECK(keys.terms().front().leader.term == 1);
        }
    }
    const auto terms = keys.terms();
    CHECK(terms.size() == kTermsKept);
    CHECK((terms.front().leader.term == 31 && terms.back().leader.term == 130));
    // Who was away for longer hears what there is.
    Heard heard{7, false};
    CHECK(unheard(heard, terms).size() == 2 * kTermsKept);
    CHECK(unheard(heard, terms).empty());
}

TEST_CASE("election: keys that somebody else wrote harm nobody", "[coord]") {
    Keys keys;
    const std::string prefix = Election::keys("e").key;
    const auto put = [&](const std::string& key, const std::string& value) {
        REQUIRE(keys.run({{}, {Put{prefix + key, value, {}}}, {}}));
    };
    put("candidate/x", "none");
    put("candidate/y", R"({"value":"y","priority":-99999999999,"preempt":1})");
    put("term", R"({"term":-5,"ended":"by nobody"})");
    put("other", "1");
    const Election election = keys.read();
    REQUIRE(election.candidates().size() == 2);
    CHECK(election.candidates()[1].priority == std::numeric_limits<std::int32_t>::min());
    CHECK(election.last_term()->end->why == TermEnd::lost);
    put("term", "none");
    keys.settle();
    CHECK(keys.read().last_term()->leader.term == 1);
}

TEST_CASE("election: names are those that had a leader, in order", "[coord]") {
    Listing all;
    for (const char* key : {"/elect/a b/term", "/elect/a/candidate/term", "/elect/a/term",
                            "/elect/c/joined", "/elect/d", "/elect/term/term"}) {
        all.entries.push_back({key, "", {}, {}, 1, {}});
    }
    CHECK(Election::names(all) == std::vector<std::string>{"a", "a b", "term"});
}

}  // namespace skald::coord
