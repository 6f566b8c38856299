// Members of a consumer: who holds what, and what they answer.
#include <algorithm>

#include "base/limits.h"
#include "broker/consumers/consumer.h"

namespace skald::broker {
namespace {

Error unknown_member() {
    return {Errc::not_found, "the consumer knows no such member (any more): join again"};
}

}  // namespace

std::uint64_t Consumer::join(std::string name, std::uint32_t in_flight, Monotonic lease, Now now) {
    do {
        ++last_member_;
    } while (last_member_ == 0 || members_.contains(last_member_));
    MemberState& member = members_[last_member_];
    member.name = std::move(name);
    member.in_flight = in_flight;
    member.lease = lease;
    member.heard = now.monotonic;
    elect();
    return last_member_;
}

Result<void> Consumer::fetch(std::uint64_t number, std::uint64_t ticket, Monotonic wait, Now now) {
    const auto it = members_.find(number);
    if (it == members_.end()) {
        return unknown_member();
    }
    MemberState& member = it->second;
    member.heard = now.monotonic;
    if (member.fetch) {
        end_fetch(member, {});
    }
    member.fetch = ticket;
    member.until = now.monotonic + wait;
    hand_out(now);
    return {};
}

Result<std::size_t> Consumer::answer(std::uint64_t number,
                                     std::span<const wire::AnsweredPlaces> answers,
                                     std::uint64_t answered, Now now) {
    const auto it = members_.find(number);
    if (it == members_.end()) {
        return unknown_member();
    }
    it->second.heard = now.monotonic;
    std::size_t taken = 0;
    while (taken < answers.size() && answer_range(number, it->second, answers[taken], now)) {
        ++taken;
    }
    if (taken == answers.size()) {
        it->second.answered = answered;
    }
    hand_out(now);
    return taken;
}

// A single place may be one that it held once: whoever did the work did it, even if it was given to
// others meanwhile. But only who holds it may say that it failed. False when it is to come again.
bool Consumer::answer_range(std::uint64_t number, MemberState& member,
                            const wire::AnsweredPlaces& answer, Now now) {
    Place first{answer.partition, answer.first};
    if (answer.next - answer.first == 1) {
        const auto it = entries_.find(first);
        const bool done = !answer.extend && (std::holds_alternative<AckWork>(answer.answer) ||
                                             std::holds_alternative<SkipWork>(answer.answer));
        if (full()) {
            return false;
        }
        const bool late = done && it != entries_.end() && !repeats(it);
        if (it != entries_.end() && (it->second.member == number || late)) {
            apply(it, answer, now);
        }
        return true;
    }
    const Place next{answer.partition, answer.next};
    for (auto held = member.held.lower_bound(first); held != member.held.end() && *held < next;
         held = member.held.lower_bound(first)) {
        if (full()) {
            return false;
        }
        const auto it = entries_.find(*held);
        first = {held->partition, held->offset + 1};
        apply(it, answer, now);
    }
    return true;
}

void Consumer::apply(Entries::iterator it, const wire::AnsweredPlaces& answered, Now now) {
    if (answered.extend) {
        extend(it, *answered.extend, now);
        return;
    }
    const WorkAnswer& answer = answered.answer;
    let_go(it);
    if (std::holds_alternative<AckWork>(answer)) {
        repeats(it) ? repeat(it, now) : settle(it, Done::acknowledged);
    } else if (std::holds_alternative<SkipWork>(answer)) {
        settle(it, Done::skipped);
    } else if (std::holds_alternative<ReleaseWork>(answer)) {
        give_back(it, now);
    } else if (const auto* retry = std::get_if<RetryWork>(&answer)) {
        fail(it, retry->delay, retry->reason, now);
    } else if (const auto* park_it = std::get_if<ParkWork>(&answer)) {
        ++it->second.attempts;
        park(it, {now.time, false, park_it->reason});
    }
}

Result<void> Consumer::leave(std::uint64_t number, Now now) {
    if (!members_.contains(number)) {
        return unknown_member();
    }
    lose(number, false, now);
    hand_out(now);
    return {};
}

// What a member held goes to others at once. When it died, the first of it may be what killed it.
void Consumer::lose(std::uint64_t number, bool counted, Now now) {
    const auto it = members_.find(number);
    if (it->second.fetch) {
        end_fetch(it->second, {});
    }
    const std::set<Place> held = it->second.held;
    // From the last: what comes back waits for what is held behind it.
    for (auto place = held.rbegin(); place != held.rend(); ++place) {
        const auto entry = entries_.find(*place);
        let_go(entry);
        if (counted && *place == *held.begin()) {
            fail(entry, std::nullopt, "the member that held it died", now);
        } else {
            give_back(entry, now);
        }
    }
    const std::deque<std::uint64_t> lanes = std::move(it->second.lanes);
    members_.erase(it);
    for (const std::uint64_t key : lanes) {
        if (const auto lane = lanes_.find(key); lane != lanes_.end()) {
            lane->second.queued = false;
            queue_lane(key, lane->second);
            drop_lane(key);
        }
    }
    if (active_ == number) {
        active_ = 0;
        elect();
    }
}

// Of an exclusive consumer: whoever is there longest. Its term is in the log before it gets
// anything, so that no two members ever share one.
void Consumer::elect() {
    if (settings_.mode != ConsumerMode::exclusive || active_ != 0 || members_.empty()) {
        return;
    }
    active_ = members_.begin()->first;
    active_term_ = ++term_;
    term_recorded_ = false;
    change_.totals = true;
}

// ---- time

void Consumer::tick(Now now) {
    std::vector<std::uint64_t> dead;
    for (auto& [number, member] : members_) {
        if (member.fetch && member.until <= now.monotonic) {
            member.heard = member.until;  // it waited that long
            end_fetch(member, {});
        }
        if (!member.fetch && member.heard + member.lease <= now.monotonic) {
            dead.push_back(number);
        }
    }
    for (const std::uint64_t number : dead) {
        lose(number, true, now);
    }
    time_out(now);
    expire(now);
    wake_due(now);
    hand_out(now);
}

void Consumer::time_out(Now now) {
    while (!full() && !deadlines_.empty() && deadlines_.begin()->first <= now.monotonic) {
        const auto it = entries_.find(deadlines_.begin()->second);
        let_go(it);
        fail(it, std::nullopt, "no answer in time", now);
    }
}

void Consumer::wake_due(Now now) {
    while (!dues_.empty() && dues_.first().first <= now.time) {
        const auto it = entries_.find(dues_.first().second);
        let_go(it);
        make_ready(it);
    }
}

std::optional<Monotonic> Consumer::next_tick(Now now) const {
    std::optional<Monotonic> next;
    const auto by = [&next](Monotonic time) { next = next ? std::min(*next, time) : time; };
    for (const auto& [number, member] : members_) {
        by(member.fetch ? member.until : member.heard + member.lease);
    }
    if (!full() && !deadlines_.empty()) {
        by(deadlines_.begin()->first);
    }
    const auto by_time = [&](Time time) {
        const std::chrono::microseconds left(std::max<std::int64_t>(time.us - now.time.us, 0));
        by(now.monotonic + std::min<std::chrono::microseconds>(left, limits::kWorkTimeMax));
    };
    if (!dues_.empty()) {
        by_time(dues_.first().first);
    }
    if (!full() && !expiries_.empty()) {
        by_time(expiries_.begin()->first);
    }
    return next;
}

// ---- what they get

std::size_t Consumer::room(const MemberState& member) const {
    const std::size_t own =
        member.in_flight > member.held.size() ? member.in_flight - member.held.size() : 0;
    const std::size_t all =
        settings_.in_flight > deadlines_.size() ? settings_.in_flight - deadlines_.size() : 0;
    return std::min({own, all, limits::kConsumerPageEventsMax});
}

void Consumer::end_fetch(MemberState& member, GivenPage page) {
    page.ticket = *member.fetch;
    page.term = active_term_;
    page.answered = member.answered;
    member.fetch.reset();
    effects_.pages.push_back(std::move(page));
}

// Of what is ready, for each member that asks: so that little work is done by all of them, and much
// in large pages.
std::size_t Consumer::share() const {
    std::size_t asking = 0;
    for (const auto& [number, member] : members_) {
        asking += serves(number, member) ? 1 : 0;
    }
    return asking == 0 ? 0 : (ready_count_ + asking - 1) / asking;
}

// Whether the member may get something now.
bool Consumer::serves(std::uint64_t number, const MemberState& member) const {
    const bool active =
        settings_.mode != ConsumerMode::exclusive || (number == active_ && term_recorded_);
    return member.fetch && active && !paused_ && room(member) != 0;
}

bool Consumer::hungry() const {
    return wants_more() && !full() &&
           (settings_.queue ||
            std::any_of(members_.begin(), members_.end(), [this](const auto& member) {
                return serves(member.first, member.second);
            }));
}

void Consumer::hand_out(Now now) {
    if (ready_count_ == 0) {
        return;
    }
    const std::size_t most = share();
    for (auto& [number, member] : members_) {
        if (!serves(number, member)) {
            continue;
        }
        GivenPage page;
        if (take_ready(number, member, page, std::min(most, room(member)), now)) {
            end_fetch(member, std::move(page));
        }
    }
}

bool Consumer::take_ready(std::uint64_t number, MemberState& member, GivenPage& page,
                          std::size_t most, Now now) {
    if (!ordered()) {
        for (std::set<Place>& ready : ready_) {
            while (page.events.size() < most && !ready.empty() && fits(page)) {
                hold(entries_.find(*ready.begin()), number, member, page, now);
            }
        }
        return !page.events.empty();
    }
    for (auto* lanes : {&member.lanes, &ready_lanes_}) {
        while (page.events.size() < most && !lanes->empty() && fits(page)) {
            const std::uint64_t key = lanes->front();
            lanes->pop_front();
            take_from_lane(key, number, member, page, most, now);
        }
    }
    return !page.events.empty();
}

void Consumer::take_from_lane(std::uint64_t key, std::uint64_t number, MemberState& member,
                              GivenPage& page, std::size_t most, Now now) {
    const auto it = lanes_.find(key);
    if (it == lanes_.end()) {
        return;
    }
    Lane& lane = it->second;
    const bool elsewhere = lane.member != 0 && lane.member != number;
    lane.queued = !elsewhere;  // not to be queued by what is done here
    while (!elsewhere && open(lane) && page.events.size() < most && fits(page)) {
        const Place place = *lane.waiting.begin();
        hold(entries_.find(place), number, member, page, now);
        lane.member = number;
        lane.last_given = place;
        ++lane.held;
    }
    lane.queued = false;
    queue_lane(key, lane);
    drop_lane(key);
}

bool Consumer::fits(const GivenPage& page) {
    return page.events.empty() || page.bytes < limits::kConsumerPageBytes;
}

void Consumer::hold(Entries::iterator it, std::uint64_t number, MemberState& member,
                    GivenPage& page, Now now) {
    let_go(it);
    Entry& entry = it->second;
    entry.state = State::held;
    entry.member = static_cast<std::uint32_t>(number);
    entry.deadline = now.monotonic + settings_.ack_timeout;
    deadlines_.emplace_hint(deadlines_.end(), entry.deadline, it->first);
    member.held.insert(member.held.end(), it->first);
    ++member.delivered;
    page.bytes += entry.bytes;
    page.events.push_back({it->first, entry.version, entry.attempts + 1});
}

}  // namespace skald::broker
