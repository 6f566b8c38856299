#include "tests/coord/elections_crowd.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <optional>
#include <random>

#include "tests/await.h"
#include "tests/coord/elections_seen.h"

namespace skald::coord {
namespace {

using Texts = std::vector<std::string>;

constexpr std::size_t kMembers = 8;
constexpr int kSteps = 90;  // fewer than the terms that are kept

// What is done to an election, and what is to come of it.
class Crowd {
  public:
    Crowd(CoordFactory& factory, std::uint32_t seed)
        : coord_(factory.open()), elections_(open_elections(*coord_)), random_(seed) {
        auto observed = elections_->observe("main", heard_.handler());
        REQUIRE(observed);
        observation_ = std::move(*observed);
    }
    void step() {
        const auto what = any(0, 7);
        if (members_.empty() || (what < 4 && members_.size() < kMembers)) {
            return join();
        }
        if (what == 4 && leader_) {
            REQUIRE(elections_->dismiss("main", "op", "why"));
            return gone(*leader_, "dismissed");
        }
        const auto who = members_.begin() + any(0, static_cast<int>(members_.size()) - 1);
        if (what == 5) {
            end_lease(*coord_, who->value);
            return gone(who->value, "lost");
        }
        if (what == 6) {
            REQUIRE(who->candidacy->resign());
        }
        gone(who->value, "resigned");  // if only since it is destroyed
    }
    void check() const {
        await([&] {
            const auto leader = elections_->leader("main");
            return leader && (*leader ? (*leader)->value : "") == leader_.value_or("");
        });
        Texts order;
        for (const Member& member : members_) {
            const bool leads = member.value == leader_;
            await([&] { return member.candidacy->leading().has_value() == leads; });
            CHECK((!leads || member.candidacy->leading()->term == term_));
            order.push_back(member.value);
        }
        Texts candidates;
        const auto all = elections_->candidates("main");
        for (const Leader& candidate : *all) {
            CHECK(candidate.term == (candidate.value == leader_ ? term_ : 0));
            candidates.push_back(candidate.value);
        }
        CHECK(candidates == order);
    }
    void check_terms() const {
        CHECK(heard_.wait_for(told_.size()) == told_);
        CHECK(log_of(*elections_) == log_);
    }

  private:
    struct Member {
        std::string value;
        std::int32_t priority;
        bool preempt;
        std::unique_ptr<Candidacy> candidacy;
    };
    int any(int from, int to) { return std::uniform_int_distribution(from, to)(random_); }

    void join() {
        CampaignOptions options;
        options.value = "c" + std::to_string(++count_);
        options.priority = any(-1, 2);
        options.preempt = any(0, 1) == 0;
        auto candidacy = elections_->campaign("main", options);
        REQUIRE(candidacy);
        const auto place = std::find_if(members_.begin(), members_.end(), [&](const Member& each) {
            return each.priority < options.priority;
        });
        const bool first = members_.empty();
        members_.insert(place,
                        {options.value, options.priority, options.preempt, std::move(*candidacy)});
        if (first) {
            leads(options.value);
        } else if (options.preempt && options.priority > find(*leader_)->priority) {
            ended("preempted");
            leads(options.value);
        }
    }
    void gone(std::string value, const std::string& why) {
        members_.erase(find(value));
        if (leader_ == value) {
            ended(why);
            leader_.reset();
            if (!members_.empty()) {
                leads(members_.front().value);
            }
        }
    }
    std::vector<Member>::iterator find(const std::string& value) {
        return std::find_if(members_.begin(), members_.end(),
                            [&](const Member& each) { return each.value == value; });
    }
    void ended(const std::string& why) {
        log_.back() += " " + why;
        told_.push_back(log_.back());
    }
    void leads(const std::string& value) {
        leader_ = value;
        log_.push_back(std::to_string(++term_) + " " + value);
        told_.push_back(log_.back());
    }

    const std::unique_ptr<Coord> coord_;
    const std::unique_ptr<Elections> elections_;
    HeardTerms heard_;
    std::unique_ptr<Observation> observation_;
    std::mt19937 random_;
    int count_ = 0;
    std::vector<Member> members_;  // in the order in which they would lead
    std::optional<std::string> leader_;
    std::uint64_t term_ = 0;
    Texts log_;
    Texts told_;  // to an observer
};

}  // namespace

void run_elections_crowd(CoordFactory& factory) {
    const auto seed = GENERATE(range(1U, 5U));
    INFO("with the seed " << seed);
    Crowd crowd(factory, seed);
    for (int step = 0; step < kSteps; ++step) {
        crowd.step();
        crowd.check();
    }
    crowd.check_terms();
}

}  // namespace skald::coord
