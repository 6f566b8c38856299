#include "coord/election.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "coord/limits.h"
#include "coord/record.h"

namespace skald::coord {
namespace {

constexpr std::string_view kElections = "/elect/";
constexpr std::string_view kTerm = "/term";

constexpr std::array kEnds{TermEnd::resigned, TermEnd::dismissed, TermEnd::preempted,
                           TermEnd::lost};

TermEnd end_of(std::string_view text) {
    const auto* it = std::find_if(kEnds.begin(), kEnds.end(),
                                  [&](TermEnd each) { return name_of(each) == text; });
    return it == kEnds.end() ? TermEnd::lost : *it;
}

std::int32_t priority_in(const Record& record) {
    using Limits = std::numeric_limits<std::int32_t>;
    return static_cast<std::int32_t>(
        std::clamp<std::int64_t>(number_in(record, "priority"), Limits::min(), Limits::max()));
}

Term term_of(const Record& record) {
    Term term;
    term.leader = {text_in(record, "value"), priority_in(record),
                   static_cast<std::uint64_t>(std::max<std::int64_t>(number_in(record, "term"), 0)),
                   time_in(record, "since_us")};
    if (record.contains("ended")) {
        term.end = {end_of(text_in(record, "ended")), text_in(record, "by"),
                    text_in(record, "reason"), time_in(record, "at_us")};
    }
    return term;
}

std::string text_of(const Term& term, const std::string& candidate) {
    const Leader& leader = term.leader;
    Record record{{"term", leader.term},
                  {"value", leader.value},
                  {"priority", leader.priority},
                  {"since_us", leader.since.us},
                  {"candidate", candidate}};
    if (term.end) {
        record["ended"] = name_of(term.end->why);
        record["by"] = term.end->by;
        record["reason"] = term.end->reason;
        record["at_us"] = term.end->at.us;
    }
    return coord::text_of(record);
}

Candidate candidate_of(const Entry& entry) {
    const Record record = record_of(entry.value);
    return {entry.key,
            entry.created,
            text_in(record, "value"),
            priority_in(record),
            number_in(record, "preempt") != 0,
            time_in(record, "since_us")};
}

bool before(const Candidate& a, const Candidate& b) {
    return a.priority != b.priority ? a.priority > b.priority : a.created < b.created;
}

Compare there(const Candidate& candidate) {
    return {candidate.key, Compare::Field::created, {}, candidate.created.value, {}};
}

std::string log_prefix(const std::string& name) {
    return fmt::format("/elect-log/{}/", name);
}

std::string log_key(const std::string& name, std::uint64_t term) {
    return fmt::format("{}{:020}", log_prefix(name), term);
}

}  // namespace

std::string_view name_of(TermEnd end) {
    switch (end) {
        case TermEnd::resigned:
            return "resigned";
        case TermEnd::dismissed:
            return "dismissed";
        case TermEnd::preempted:
            return "preempted";
        case TermEnd::lost:
            break;
    }
    return "lost";
}

KeyRange Election::keys(const std::string& name) {
    return KeyRange::prefix(fmt::format("{}{}/", kElections, name));
}

std::string Election::candidate_key(const std::string& name, LeaseId lease) {
    return fmt::format("{}{}/candidate/{:016x}", kElections, name, lease.value);
}

std::string Election::joined_key() const {
    return fmt::format("{}{}/joined", kElections, name_);
}

std::string Election::term_key() const {
    return fmt::format("{}{}{}", kElections, name_, kTerm);
}

KeyRange Election::terms(const std::string& name, std::uint64_t from, std::uint64_t end) {
    return {log_key(name, from), log_key(name, end)};
}

KeyRange Election::terms(const std::string& name) {
    return KeyRange::prefix(log_prefix(name));
}

KeyRange Election::all_keys() {
    return KeyRange::prefix(std::string(kElections));
}

std::vector<std::string> Election::names(const Listing& all) {
    std::vector<std::string> names;
    for (const Entry& entry : all.entries) {
        const std::string rest = entry.key.substr(kElections.size());
        const auto end = rest.find('/');
        if (end != std::string::npos && rest.substr(end) == kTerm) {
            names.push_back(rest.substr(0, end));
        }
    }
    std::sort(names.begin(), names.end());  // keys have a `/` behind them
    return names;
}

Election::Election(std::string name, const std::vector<Entry>& entries) : name_(std::move(name)) {
    const std::string candidates = keys(name_).key + "candidate/";
    for (const Entry& entry : entries) {
        if (entry.key.starts_with(candidates)) {
            candidates_.push_back(candidate_of(entry));
        } else if (entry.key == term_key()) {
            const Record record = record_of(entry.value);
            last_ = {term_of(record), text_in(record, "candidate"), entry.modified};
        } else if (entry.key == joined_key()) {
            joined_ = entry.modified;
        }
    }
    std::sort(candidates_.begin(), candidates_.end(), before);
}

const Candidate* Election::find(std::string_view key) const {
    const auto it = std::find_if(candidates_.begin(), candidates_.end(),
                                 [&](const Candidate& each) { return each.key == key; });
    return it == candidates_.end() ? nullptr : &*it;
}

const Candidate* Election::leader() const {
    return last_ && !last_->term.end ? find(last_->candidate) : nullptr;
}

bool Election::leads(std::string_view key) const {
    const Candidate* it = leader();
    return it != nullptr && it->key == key;
}

std::optional<Term> Election::last_term() const {
    if (!last_) {
        return std::nullopt;
    }
    Term term = last_->term;
    if (!term.end && leader() == nullptr) {
        term.end = EndedTerm{};
    }
    return term;
}

const Candidate* Election::next() const {
    const Candidate* leads = leader();
    const auto it =
        std::find_if(candidates_.begin(), candidates_.end(), [&](const Candidate& each) {
            return leads == nullptr || (each.preempt && each.priority > leads->priority);
        });
    return it == candidates_.end() ? nullptr : &*it;
}

// Who claims compares that nobody joined since: the other may come before it.
Txn Election::join(LeaseId lease, const CampaignOptions& options, Time now) const {
    const std::string key = candidate_key(name_, lease);
    const Record record{{"value", options.value},
                        {"priority", options.priority},
                        {"preempt", options.preempt ? 1 : 0},
                        {"since_us", now.us}};
    return {{Compare::absent(key)},
            {Put{key, coord::text_of(record), lease}, Put{joined_key(), key, {}}},
            {}};
}

Compare Election::same_term() const {
    return Compare::unchanged(term_key(), last_ ? last_->modified : Revision{});
}

Txn Election::claim(const Candidate& next, Time now) const {
    Term term;
    term.leader = {next.value, next.priority, last_ ? last_->term.leader.term + 1 : 1, now};
    Txn txn{{same_term(), Compare::unchanged(joined_key(), joined_), there(next)},
            {Put{term_key(), text_of(term, next.key), {}}},
            {}};
    if (!last_) {
        return txn;
    }
    Term ended = last_->term;
    if (const Candidate* leads = leader(); leads != nullptr) {
        txn.compares.push_back(there(*leads));
        ended.end = {TermEnd::preempted, next.value, {}, now};
    } else if (!ended.end) {
        ended.end = {TermEnd::lost, {}, {}, now};
    }
    txn.then.emplace_back(
        Put{log_key(name_, ended.leader.term), text_of(ended, last_->candidate), {}});
    if (term.leader.term > kTermsKept) {
        txn.then.emplace_back(Erase{terms(name_, 0, term.leader.term - kTermsKept + 1)});
    }
    return txn;
}

Txn Election::leave(const Candidate& who, const EndedTerm& end) const {
    Txn txn{{same_term(), there(who)}, {Erase{KeyRange::one(who.key)}}, {}};
    if (leads(who.key)) {
        Term ended = last_->term;
        ended.end = end;
        txn.then.emplace_back(Put{term_key(), text_of(ended, who.key), {}});
    }
    return txn;
}

std::vector<Term> terms_of(const std::vector<Entry>& log) {
    std::vector<Term> terms;
    for (const Entry& entry : log) {
        terms.push_back(term_of(record_of(entry.value)));
    }
    return terms;
}

std::vector<Term> unheard(Heard& heard, const std::vector<Term>& terms) {
    std::vector<Term> news;
    for (const Term& term : terms) {
        if (term.leader.term > heard.term) {
            heard = {term.leader.term, false};
            news.push_back({term.leader, std::nullopt});
        }
        if (term.leader.term == heard.term && term.end && !heard.ended) {
            heard.ended = true;
            news.push_back(term);
        }
    }
    return news;
}

}  // namespace skald::coord
