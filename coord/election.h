// One election as its keys tell it at one moment: who campaigns, who leads, who is to take the lead
// now, and the transactions by which it goes on. Each compares what it was decided by.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "skald/elections.h"

namespace skald::coord {

struct Candidate {
    std::string key;
    Revision created;
    std::string value;
    std::int32_t priority = 0;
    bool preempt = false;
    Time since;
};

// A value: what it points to lives as long as it does.
class Election {
  public:
    static KeyRange keys(const std::string& name);
    static std::string candidate_key(const std::string& name, LeaseId lease);
    // Of its ended terms, from one to below another.
    static KeyRange terms(const std::string& name, std::uint64_t from, std::uint64_t end);
    static KeyRange terms(const std::string& name);
    // Those that ever had a leader, of all keys of elections.
    static KeyRange all_keys();
    static std::vector<std::string> names(const Listing& all);

    // What its keys hold.
    Election(std::string name, const std::vector<Entry>& entries);

    // In the order in which they would lead.
    const std::vector<Candidate>& candidates() const { return candidates_; }
    const Candidate* find(std::string_view key) const;
    const Candidate* leader() const;
    bool leads(std::string_view key) const;
    // None: there never was one.
    std::optional<Term> last_term() const;
    // Who is to take the lead: of those who may the first. None: it stays as it is.
    const Candidate* next() const;

    Txn join(LeaseId lease, const CampaignOptions& options, Time now) const;
    // Of the one who is next.
    Txn claim(const Candidate& next, Time now) const;
    // Its campaign ends, and if it leads its term does so.
    Txn leave(const Candidate& who, const EndedTerm& end) const;

  private:
    struct Kept {
        Term term;
        std::string candidate;  // the leader's key
        Revision modified;
    };
    std::string joined_key() const;
    std::string term_key() const;
    Compare same_term() const;

    std::string name_;
    std::vector<Candidate> candidates_;
    std::optional<Kept> last_;
    Revision joined_;
};

std::vector<Term> terms_of(const std::vector<Entry>& log);

// What an observer has heard.
struct Heard {
    std::uint64_t term = 0;
    bool ended = true;  // also that
};
// The news of these terms, which rise: that each leads, and that it ended. They are heard then.
std::vector<Term> unheard(Heard& heard, const std::vector<Term>& terms);

}  // namespace skald::coord
