// What a consumer puts aside, and what becomes of it.
#include "base/glob.h"
#include "base/limits.h"
#include "broker/consumers/consumer.h"

namespace skald::broker {

void Consumer::note_parked(Entries::iterator it) {
    Entry& entry = it->second;
    if (!entry.recorded) {
        take_range(it);
        entry.recorded = true;
    }
    const Parking& parking = parkings_.at(it->first);
    change_.texts += parking.reason.size();
    change_.waiting.erase(it->first);
    change_.parked[it->first] = {it->first,  entry.version,  entry.bytes,      entry.key,
                                 parking.at, entry.attempts, parking.follower, parking.reason};
    note_terms(it);
}

void Consumer::park_one(Entries::iterator it, Parking parking) {
    it->second.state = State::parked;
    keep_terms_parked(it, parking.at);
    parking.reason = utf8_prefix(parking.reason, limits::kWorkReasonBytesMax);
    parkings_[it->first] = std::move(parking);
    if (settings_.mode == ConsumerMode::per_key) {
        ++lanes_[it->second.key].parked;
    }
    // Followers may be many. Those that no member had are read again after a restart, and parked
    // again: none of them stands before one that the log speaks of.
    const bool given = it->second.deadline != Monotonic{};
    if (it->second.recorded || given || !parkings_.at(it->first).follower) {
        note_parked(it);
    }
}

// Of a consumer that keeps the order of keys, what waits behind it is parked with it.
void Consumer::park(Entries::iterator it, Parking parking) {
    const Time now = parking.at;
    park_one(it, std::move(parking));
    if (settings_.mode != ConsumerMode::per_key) {
        return;
    }
    const std::set<Place> behind = lanes_[it->second.key].waiting;
    for (const Place& place : behind) {
        const auto next = entries_.find(place);
        let_go(next);
        park_one(next, {now, true, {}});
    }
}

std::vector<wire::ParkedPlace> Consumer::parked(std::optional<Place> after,
                                                std::size_t limit) const {
    std::vector<wire::ParkedPlace> list;
    for (auto it = after ? parkings_.upper_bound(*after) : parkings_.begin();
         it != parkings_.end() && list.size() < limit; ++it) {
        const Entry& entry = entries_.at(it->first);
        list.push_back({it->first, entry.version, entry.bytes, entry.key, it->second.at,
                        entry.attempts, it->second.follower, it->second.reason});
    }
    return list;
}

void Consumer::unpark(Entries::iterator it) {
    let_go(it);
    it->second.attempts = 0;
    it->second.due = Time{};
    if (it->second.has_terms) {
        wire::DeliveryTerms& terms = terms_.at(it->first);
        terms.expires.reset();  // it waited for whoever replays it
        it->second.due = terms.anchor;
    }
    it->second.due == Time{} ? make_ready(it) : delay(it, it->second.due);
    if (it->second.recorded) {
        note_waiting(it);
    }
}

std::uint64_t Consumer::replay_parked(std::uint64_t count, std::optional<Place> one) {
    std::set<Place> chosen;
    std::set<std::uint64_t> keys;
    const auto choose = [&](Place place) {
        chosen.insert(place);
        keys.insert(entries_.at(place).key);
    };
    if (one) {
        if (parkings_.contains(*one)) {
            choose(*one);
        }
    } else {
        for (auto it = parkings_.begin(); it != parkings_.end() && chosen.size() < count; ++it) {
            choose(it->first);
        }
    }
    // A key goes on when none of it is parked any more.
    for (auto it = parkings_.begin();
         settings_.mode == ConsumerMode::per_key && it != parkings_.end(); ++it) {
        if (keys.contains(entries_.at(it->first).key)) {
            chosen.insert(it->first);
        }
    }
    for (const Place& place : chosen) {
        unpark(entries_.find(place));
    }
    return chosen.size();
}

std::uint64_t Consumer::purge(std::uint64_t count) {
    std::uint64_t purged = 0;
    for (; purged < count && !parkings_.empty(); ++purged) {
        const auto it = entries_.find(parkings_.begin()->first);
        let_go(it);
        settle(it, Done::acknowledged);
    }
    return purged;
}

}  // namespace skald::broker
