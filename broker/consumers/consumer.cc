// Entries of a consumer: what was read, and where each event of it stands.
#include "broker/consumers/consumer.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/limits.h"

namespace skald::broker {

Consumer::Consumer(ConsumerSettings settings, std::uint64_t seed)
    : settings_(std::move(settings)), random_(seed) {}

Offset Consumer::first_open(Partition partition) const {
    const auto it = taken_.find(partition);
    return it == taken_.end() ? Offset{} : it->second.first_open(Offset{});
}

bool Consumer::wants_more() const {
    return entries_.size() - delayed_ - parkings_.size() < limits::kConsumerWindowMax &&
           delayed_ < limits::kConsumerDelayedMax && parkings_.size() < limits::kConsumerParkedMax;
}

void Consumer::take(std::span<const Candidate> candidates, Now now) {
    for (const Candidate& candidate : candidates) {
        read_to_ = std::max(read_to_, candidate.version + 1);
        if (knows(candidate.place)) {
            continue;
        }
        Entry entry;
        entry.lead = static_cast<std::uint32_t>(std::min<std::uint64_t>(
            candidate.place.offset - candidate.lead, std::numeric_limits<std::uint32_t>::max()));
        entry.version = candidate.version;
        entry.key = settings_.mode == ConsumerMode::per_key ? candidate.key : 0;
        entry.bytes = candidate.bytes;
        const auto it = entries_.emplace_hint(entries_.end(), candidate.place, entry);
        candidate.terms == nullptr ? give_back(it, now)
                                   : begin_with_terms(it, *candidate.terms, now);
    }
    if (!candidates.empty()) {
        looked(candidates.back().place.partition, candidates.back().place.offset + 1);
    }
}

// What lies behind the last entry is spoken of only now and then: a record for it would be one more
// to look at.
void Consumer::looked(Partition partition, Offset next) {
    Offset& looked = looked_[partition];
    looked = std::max(looked, next);
    TakenOffsets& taken = taken_[partition];
    const auto behind = entries_.lower_bound(Place{Partition(partition.value + 1), Offset{}});
    const bool any = behind != entries_.begin() && std::prev(behind)->first.partition == partition;
    const Offset from = taken.first_open(any ? std::prev(behind)->first.offset + 1 : Offset{});
    if (looked > from && looked - from >= limits::kConsumerLookedMax) {
        taken.add(from, looked);
        change_.taken[partition].add(from, looked);
    }
}

Offset Consumer::looked_to(Partition partition) const {
    const auto it = looked_.find(partition);
    return std::max(it == looked_.end() ? Offset{} : it->second, first_open(partition));
}

void Consumer::vanished(Place place) {
    if (const auto it = entries_.find(place); it != entries_.end()) {
        let_go(it);
        settle(it, Done::skipped);
    }
}

// ---- where an entry stands

void Consumer::make_ready(Entries::iterator it) {
    it->second.state = State::ready;
    ++ready_count_;
    if (!ordered()) {
        std::set<Place>& ready = ready_of(it->second);
        ready.insert(ready.end(), it->first);
        return;
    }
    Lane& lane = lanes_[it->second.key];
    lane.waiting.insert(lane.waiting.end(), it->first);
    queue_lane(it->second.key, lane);
}

void Consumer::delay(Entries::iterator it, Time due) {
    it->second.state = State::delayed;
    it->second.due = due;
    ++delayed_;
    dues_.add(due, it->first);
    if (ordered()) {
        lanes_[it->second.key].waiting.insert(it->first);
    }
}

// Of a lane with more to give: in turn with the others, or with the member that holds some of it.
void Consumer::queue_lane(std::uint64_t key, Lane& lane) {
    if (lane.queued || !open(lane)) {
        return;
    }
    lane.queued = true;
    const auto member = members_.find(lane.member);
    (member == members_.end() ? ready_lanes_ : member->second.lanes).push_back(key);
}

// Its first event may be given now. One that came back waits for those behind it that are still
// held.
bool Consumer::open(const Lane& lane) const {
    return !lane.waiting.empty() && lane.parked == 0 &&
           (lane.held == 0 || lane.last_given < *lane.waiting.begin()) &&
           entries_.find(*lane.waiting.begin())->second.state == State::ready;
}

void Consumer::drop_lane(std::uint64_t key) {
    const auto it = lanes_.find(key);
    if (it != lanes_.end() && it->second.waiting.empty() && it->second.held == 0 &&
        it->second.parked == 0 && !it->second.queued) {
        lanes_.erase(it);
    }
}

// One of them is none any more.
void Consumer::end_delay() {
    --delayed_;
    dues_.tidy(delayed_, [this](const DueTimes::Due& due) {
        const auto it = entries_.find(due.second);
        return it != entries_.end() && it->second.state == State::delayed &&
               it->second.due == due.first;
    });
}

// Takes it out of where it stands; make_ready(), delay(), park() or settle() comes next.
void Consumer::let_go(Entries::iterator it) {
    Entry& entry = it->second;
    Lane* lane = ordered() ? &lanes_[entry.key] : nullptr;
    switch (entry.state) {
        case State::ready:
            --ready_count_;
            lane != nullptr ? lane->waiting.erase(it->first) : ready_of(entry).erase(it->first);
            break;
        case State::delayed:
            entry.state = State::ready;  // not among the delayed any more
            end_delay();
            if (lane != nullptr) {
                lane->waiting.erase(it->first);
            }
            break;
        case State::held:
            deadlines_.erase({entry.deadline, it->first});
            members_.at(entry.member).held.erase(it->first);
            entry.member = 0;
            if (lane != nullptr && --lane->held == 0) {
                lane->member = 0;
                lane->queued = false;  // with that member, if at all: now it is anybody's
            }
            break;
        case State::parked:
            parkings_.erase(it->first);
            if (lane != nullptr && settings_.mode == ConsumerMode::per_key) {
                --lane->parked;
            }
            break;
    }
    if (lane != nullptr) {
        queue_lane(entry.key, *lane);
    }
}

void Consumer::take_range(Entries::iterator it) {
    const Place place = it->first;
    const Offset from{place.offset.value - it->second.lead};
    const Offset next = place.offset + 1;
    taken_[place.partition].add(from, next);
    change_.taken[place.partition].add(from, next);
}

void Consumer::settle(Entries::iterator it, Done how) {
    ++done_;
    skipped_ += how == Done::skipped ? 1 : 0;
    expired_ += how == Done::expired ? 1 : 0;
    dropped_ += how == Done::dropped ? 1 : 0;
    ++change_.left.count;
    change_.left.bytes += it->second.bytes;
    change_.totals = true;
    if (it->second.recorded) {
        change_.waiting.erase(it->first);
        change_.parked.erase(it->first);
        change_.terms.erase(it->first);
        change_.settled.insert(it->first);
    } else {
        take_range(it);
    }
    const std::uint64_t key = it->second.key;
    drop_terms(it);
    entries_.erase(it);
    drop_lane(key);
}

bool Consumer::behind_parked(Entries::iterator it) const {
    const auto lane = lanes_.find(it->second.key);
    return lane != lanes_.end() && lane->second.parked != 0;
}

// Ready, unless one of its key before it is parked: then it may not go on before that.
void Consumer::give_back(Entries::iterator it, Now now) {
    if (is_over(it, now)) {
        settle(it, Done::expired);
        return;
    }
    if (behind_parked(it)) {
        park(it, {now.time, true, {}});
    } else {
        make_ready(it);
    }
}

void Consumer::note_waiting(Entries::iterator it) {
    Entry& entry = it->second;
    if (!entry.recorded) {
        take_range(it);
        entry.recorded = true;
    }
    change_.parked.erase(it->first);
    change_.waiting[it->first] = {it->first, entry.version, entry.bytes,
                                  entry.key, entry.due,     entry.attempts};
    note_terms(it);
}

Monotonic Consumer::backoff(std::uint32_t failures) {
    const Backoff& policy = settings_.backoff;
    const double most = std::chrono::duration<double>(policy.most).count();
    const double plain =
        std::chrono::duration<double>(policy.first).count() * std::pow(policy.factor, failures - 1);
    const double jitter = std::uniform_real_distribution<>(0, policy.jitter)(random_);
    return std::chrono::duration_cast<Monotonic>(
        std::chrono::duration<double>(std::min(plain, most) * (1 - jitter)));
}

void Consumer::fail(Entries::iterator it, std::optional<Monotonic> delay_by,
                    const std::string& reason, Now now) {
    Entry& entry = it->second;
    ++entry.attempts;
    ++failures_;
    if (is_over(it, now)) {
        settle(it, Done::expired);
        return;
    }
    const bool follows = behind_parked(it);
    const bool last = settings_.max_deliveries != 0 && entry.attempts >= settings_.max_deliveries;
    if (last || follows) {
        park(it, {now.time, follows && !last, reason});
        return;
    }
    const Monotonic wait = delay_by ? *delay_by : backoff(entry.attempts);
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(wait).count();
    delay(it, Time{now.time.us + us});
    note_waiting(it);
}

void Consumer::edit(const ConsumerSettings& settings) {
    settings_ = settings;
}

std::optional<std::pair<Place, Version>> Consumer::oldest() const {
    for (const auto& [place, entry] : entries_) {
        if (entry.state != State::parked) {
            return std::pair(place, entry.version);
        }
    }
    return std::nullopt;
}

ConsumerStatus Consumer::status() const {
    ConsumerStatus status;
    status.settings = settings_;
    status.paused = paused_;
    status.term = term_;
    status.member_count = static_cast<std::uint32_t>(members_.size());
    for (const auto& [number, member] : members_) {
        status.members.push_back({member.name, static_cast<std::uint32_t>(member.held.size()),
                                  member.delivered,
                                  settings_.mode != ConsumerMode::exclusive || number == active_});
    }
    status.done = done_;
    status.skipped = skipped_;
    status.expired = expired_;
    status.dropped = dropped_;
    status.failures = failures_;
    status.in_flight = deadlines_.size();
    status.parked = parkings_.size();
    status.waiting = entries_.size() - deadlines_.size() - parkings_.size();
    return status;
}

}  // namespace skald::broker
