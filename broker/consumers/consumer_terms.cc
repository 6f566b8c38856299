// What events ask for their delivery: when, until when, before others, again and again.
#include <algorithm>

#include "base/limits.h"
#include "base/schedule.h"
#include "broker/consumers/consumer.h"

namespace skald::broker {

void Consumer::begin_with_terms(Entries::iterator it, const EventTerms& terms, Now now) {
    if (!terms.fault.empty()) {
        park(it, {now.time, false, terms.fault});
        return;
    }
    if (ordered() && !terms.terms.repeat.empty()) {
        park(it, {now.time, false, "it repeats, and would hold up for ever what comes behind it"});
        return;
    }
    if (terms.terms != wire::DeliveryTerms{}) {
        keep_terms(it, terms.terms);
    }
    it->second.due = terms.due;
    if (terms.due <= now.time || behind_parked(it)) {
        give_back(it, now);
        return;
    }
    delay(it, terms.due);
    // Where keys have an order it is read again after a restart, behind what comes before it.
    if (!ordered()) {
        note_waiting(it);
    }
}

void Consumer::keep_terms(Entries::iterator it, const wire::DeliveryTerms& terms) {
    drop_terms(it);
    Entry& entry = it->second;
    entry.has_terms = true;
    entry.high = terms.high;
    terms_[it->first] = terms;
    if (terms.expires && entry.state != State::parked) {
        expiries_.emplace(*terms.expires, it->first);
    }
}

void Consumer::drop_terms(Entries::iterator it) {
    if (!std::exchange(it->second.has_terms, false)) {
        return;
    }
    const auto terms = terms_.find(it->first);
    if (terms->second.expires) {
        expiries_.erase({*terms->second.expires, it->first});
    }
    terms_.erase(terms);
}

// It does not expire there, and is due no earlier for having been there.
void Consumer::keep_terms_parked(Entries::iterator it, Time now) {
    const Entry& entry = it->second;
    if (!entry.has_terms) {
        if (entry.attempts == 0 && entry.due > now) {
            wire::DeliveryTerms terms;
            terms.anchor = entry.due;
            keep_terms(it, terms);
        }
        return;
    }
    wire::DeliveryTerms& terms = terms_.at(it->first);
    if (terms.expires) {
        expiries_.erase({*terms.expires, it->first});
    }
    terms.anchor = std::max(terms.anchor, entry.attempts == 0 ? entry.due : Time{});
}

void Consumer::note_terms(Entries::iterator it) {
    if (it->second.has_terms) {
        change_.terms[it->first] = terms_.at(it->first);
        change_.texts += terms_.at(it->first).repeat.size();
    }
}

// ---- again and again

bool Consumer::repeats(Entries::iterator it) const {
    return it->second.has_terms && !terms_.at(it->first).repeat.empty();
}

// What was missed meanwhile is one.
void Consumer::repeat(Entries::iterator it, Now now) {
    if (is_over(it, now)) {
        settle(it, Done::expired);
        return;
    }
    const wire::DeliveryTerms& terms = terms_.at(it->first);
    const auto schedule = Schedule::parse(terms.repeat);
    const auto next = schedule ? schedule->next(terms.anchor, now.time) : std::nullopt;
    if (!next) {
        settle(it, Done::acknowledged);
        return;
    }
    it->second.attempts = 0;
    delay(it, *next);
    note_waiting(it);
}

// ---- until when

bool Consumer::is_over(Entries::iterator it, Now now) const {
    if (!it->second.has_terms) {
        return false;
    }
    const auto& expires = terms_.at(it->first).expires;
    return expires && *expires <= now.time;
}

// What is at a member is left to it.
void Consumer::expire(Now now) {
    while (!full() && !expiries_.empty() && expiries_.begin()->first <= now.time) {
        const auto it = entries_.find(expiries_.begin()->second);
        expiries_.erase(expiries_.begin());
        if (it->second.state != State::held) {
            let_go(it);
            settle(it, Done::expired);
        }
    }
}

void Consumer::extend(Entries::iterator it, Monotonic by, Now now) {
    Entry& entry = it->second;
    deadlines_.erase({entry.deadline, it->first});
    const Monotonic most = limits::kWorkTimeMax;
    entry.deadline =
        now.monotonic + (by == Monotonic{} ? settings_.ack_timeout : std::min(by, most));
    deadlines_.emplace(entry.deadline, it->first);
}

}  // namespace skald::broker
