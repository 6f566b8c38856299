// One durable consumer as a pure core: what was read from the log, what members ask and answer, and
// what time it is go in; what members get and what is to be recorded in the log come out.
//
// Every event that was read is an entry until it is settled: ready, delayed until it is due, held
// by a member, or parked. What becomes of it gathers in the next record; whoever answered is told
// once that is in the log. The state is the fold of all records (docs/log_format.md): what they do
// not speak of comes again after a restart.
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "broker/consumers/due_times.h"
#include "broker/consumers/event_terms.h"
#include "broker/consumers/taken_offsets.h"
#include "skald/consumers.h"
#include "store/queue_gate.h"
#include "store/stream_state.h"
#include "wire/consumer_messages.h"
#include "wire/consumer_record.h"

namespace skald::broker {

// Of an event that was read and matches.
struct Candidate {
    Place place;
    Offset lead;  // from here on up to it nothing else matches
    Version version;
    std::uint64_t key = 0;                         // hash; of no meaning to a shared consumer
    std::uint32_t bytes = 0;                       // it takes in a page
    std::shared_ptr<const EventTerms> terms = {};  // none: to be given out at once, like most
};

// What a member gets for a fetch.
struct Given {
    Place place;
    Version version;
    std::uint32_t attempt = 1;
};
struct GivenPage {
    std::uint64_t ticket = 0;  // of the fetch
    std::uint64_t term = 0;
    std::uint64_t answered = 0;  // what the member said with its last answers before
    std::vector<Given> events;   // may be none: the time is over, or the member left
    std::size_t bytes = 0;
};

class Consumer {
  public:
    struct Now {
        Monotonic monotonic{};
        Time time;
    };
    // Lasts until it is asked for.
    struct Effects {
        std::vector<GivenPage> pages;
        std::vector<std::uint64_t> confirmed;  // tickets of answers that are in the log
        store::QueueGate::Amount left;         // done, and the log says so
    };
    using Amount = store::QueueGate::Amount;

    Consumer(ConsumerSettings settings, std::uint64_t seed);

    // ---- at first
    // The records of its past, in order, from the last whole one on.
    void replay(const wire::ConsumerRecord& record);
    // Where reading begins: what lies before, of that partition, was taken.
    Offset first_open(Partition partition) const;
    void begin_at(Partition partition, Offset offset) { taken_[partition].add({}, offset); }

    // ---- what was read
    // A member asks for events, or it is a queue, and there is room for more of them here.
    bool hungry() const;
    // In the order of the log; what is known already is passed over.
    void take(std::span<const Candidate> candidates, Now now);
    // Nothing else matches below `next`.
    void looked(Partition partition, Offset next);
    // It is gone from the log: erased, say.
    void vanished(Place place);

    // ---- a queue
    bool knows(Place place) const;  // it is an entry, or taken
    Amount kept() const;            // of all entries
    // Done, and no record in the log says so yet.
    Amount unrecorded() const;
    // All that is done is in the next record, or in one before.
    bool said_all() const { return !change_.says_something(); }
    // What is done of the stream, as of what said_all().
    store::Removal removal() const;
    // So many of the oldest events that no member has, while the next record has room.
    void drop_oldest(Amount over);

    // ---- members
    std::uint64_t join(std::string name, std::uint32_t in_flight, Monotonic lease, Now now);
    // not_found for a member that is none (any more), as the next two.
    Result<void> fetch(std::uint64_t member, std::uint64_t ticket, Monotonic wait, Now now);
    // How many of the answers were taken, in order: when it is full() the rest must come again once
    // a record was written.
    // `answered`: told with the next page, once all were taken.
    Result<std::size_t> answer(std::uint64_t member, std::span<const wire::AnsweredPlaces> answers,
                               std::uint64_t answered, Now now);
    Result<void> leave(std::uint64_t member, Now now);

    // ---- an administrator
    void edit(const ConsumerSettings& settings);
    void pause(bool paused) { paused_ = paused; }
    std::vector<wire::ParkedPlace> parked(std::optional<Place> after, std::size_t limit) const;
    // How many, at most about `count`.
    std::uint64_t replay_parked(std::uint64_t count, std::optional<Place> one);
    std::uint64_t purge(std::uint64_t count);
    ConsumerStatus status() const;  // without what takes a look at the log
    std::size_t members() const { return members_.size(); }
    std::size_t parked() const { return parkings_.size(); }

    // ---- time and the log
    // Leases, deadlines and delays that are over; then gives members what is ready.
    void tick(Now now);
    // When tick() has something to do, if nothing else comes.
    std::optional<Monotonic> next_tick(Now now) const;
    // The next record has all it can say: no answers and events until it was taken.
    bool full() const { return change_.items() >= limits::kConsumerPartItemsMax; }
    // Among Effects::confirmed once all that was done so far is in the log.
    void confirm(std::uint64_t ticket) { change_.tickets.push_back(ticket); }
    // The next record, when there is something to say and none is under way.
    std::optional<wire::ConsumerRecord> next_record();
    // It is in the log.
    void recorded();

    Effects& effects() { return effects_; }

    // Behind all that was read or skipped.
    Offset looked_to(Partition partition) const;
    // Of the oldest entry that is neither done nor parked.
    std::optional<std::pair<Place, Version>> oldest() const;

  private:
    enum class State : std::uint8_t { ready, delayed, held, parked };
    struct Entry {
        Version version;
        std::uint64_t key = 0;
        Monotonic deadline{};      // held
        Time due;                  // delayed
        std::uint32_t lead = 0;    // so many records before it do not match
        std::uint32_t member = 0;  // that holds it
        std::uint32_t attempts = 0;
        std::uint32_t bytes = 0;
        State state = State::ready;
        bool recorded = false;  // the log speaks of it
        bool has_terms = false;
        bool high = false;
    };
    // There may be a million of them: another 8 bytes are another 16 of each.
    static_assert(sizeof(Entry) == 56);
    using Entries = std::map<Place, Entry>;
    struct Parking {
        Time at;
        bool follower = false;
        std::string reason;
    };
    // Events of one key, of a consumer that keeps their order.
    struct Lane {
        std::set<Place> waiting;   // ready or delayed
        std::uint64_t member = 0;  // that holds some
        Place last_given;          // while some are held
        std::uint32_t held = 0;
        std::uint32_t parked = 0;
        bool queued = false;  // stands in ready_lanes_ or with its member
    };
    struct MemberState {
        std::string name;
        std::uint32_t in_flight = 0;
        Monotonic lease{};
        Monotonic heard{};
        std::uint64_t delivered = 0;
        std::uint64_t answered = 0;
        std::set<Place> held;
        std::deque<std::uint64_t> lanes;     // that it holds events of, with more
        std::optional<std::uint64_t> fetch;  // ticket
        Monotonic until{};                   // of the fetch
    };
    using Members = std::map<std::uint64_t, MemberState>;
    // What the next record will say.
    struct Change {
        std::map<Partition, TakenOffsets> taken;
        std::map<Place, wire::WaitingPlace> waiting;
        std::map<Place, wire::ParkedPlace> parked;
        std::map<Place, wire::DeliveryTerms> terms;
        std::set<Place> settled;
        std::vector<std::uint64_t> tickets;
        Amount left;
        bool totals = false;
        std::size_t texts = 0;  // bytes of reasons and schedules
        bool says_something() const { return items() != 0 || totals; }
        std::size_t items() const;
    };

    bool ordered() const { return settings_.mode != ConsumerMode::shared; }

    void make_ready(Entries::iterator it);
    void delay(Entries::iterator it, Time due);
    void queue_lane(std::uint64_t key, Lane& lane);
    bool open(const Lane& lane) const;
    void drop_lane(std::uint64_t key);
    void let_go(Entries::iterator it);
    enum class Done : std::uint8_t { acknowledged, skipped, expired, dropped };
    void settle(Entries::iterator it, Done how);
    std::set<Place>& ready_of(const Entry& entry) { return ready_[entry.high ? 0 : 1]; }
    bool behind_parked(Entries::iterator it) const;
    void give_back(Entries::iterator it, Now now);
    void fail(Entries::iterator it, std::optional<Monotonic> delay, const std::string& reason,
              Now now);
    void park_one(Entries::iterator it, Parking parking);
    void park(Entries::iterator it, Parking parking);
    void unpark(Entries::iterator it);
    void note_terms(Entries::iterator it);
    void keep_terms(Entries::iterator it, const wire::DeliveryTerms& terms);
    void keep_terms_parked(Entries::iterator it, Time now);
    void drop_terms(Entries::iterator it);
    void begin_with_terms(Entries::iterator it, const EventTerms& own, Now now);
    bool repeats(Entries::iterator it) const;
    void repeat(Entries::iterator it, Now now);
    bool is_over(Entries::iterator it, Now now) const;
    void expire(Now now);
    void extend(Entries::iterator it, Monotonic by, Now now);
    void note_waiting(Entries::iterator it);
    void note_parked(Entries::iterator it);
    void take_range(Entries::iterator it);
    void end_delay();
    Monotonic backoff(std::uint32_t failures);

    void apply(Entries::iterator it, const wire::AnsweredPlaces& answered, Now now);
    bool wants_more() const;
    bool serves(std::uint64_t number, const MemberState& member) const;
    bool answer_range(std::uint64_t number, MemberState& member, const wire::AnsweredPlaces& answer,
                      Now now);
    void lose(std::uint64_t member, bool counted, Now now);
    void elect();
    void hand_out(Now now);
    std::size_t share() const;
    bool take_ready(std::uint64_t number, MemberState& member, GivenPage& page, std::size_t most,
                    Now now);
    void take_from_lane(std::uint64_t key, std::uint64_t number, MemberState& member,
                        GivenPage& page, std::size_t most, Now now);
    static bool fits(const GivenPage& page);
    void hold(Entries::iterator it, std::uint64_t number, MemberState& member, GivenPage& page,
              Now now);
    std::size_t room(const MemberState& member) const;
    void end_fetch(MemberState& member, GivenPage page);
    void wake_due(Now now);
    void time_out(Now now);
    void forget(Place place);
    Entries::iterator recall(Place place, Version version, std::uint32_t bytes, std::uint64_t key,
                             std::uint32_t attempts);
    void count(const wire::ConsumerRecord& record);
    wire::ConsumerRecord begin_record() const;
    void begin_whole();

    ConsumerSettings settings_;
    bool paused_ = false;
    std::mt19937_64 random_;
    Effects effects_;

    Entries entries_;
    std::map<Place, Parking> parkings_;
    std::map<Partition, TakenOffsets> taken_;
    std::map<Partition, Offset> looked_;  // nothing unknown matches below
    Version read_to_;                     // of a queue's stream, since it was opened
    std::set<Place> ready_[2];            // shared: of high priority first
    std::unordered_map<std::uint64_t, Lane> lanes_;
    std::deque<std::uint64_t> ready_lanes_;
    std::size_t ready_count_ = 0;
    DueTimes dues_;  // of those that are delayed
    std::size_t delayed_ = 0;
    std::set<std::pair<Monotonic, Place>> deadlines_;  // of those that are held
    std::map<Place, wire::DeliveryTerms> terms_;
    std::set<std::pair<Time, Place>> expiries_;  // by terms_, those parked excepted
    Members members_;
    std::uint32_t last_member_ = 0;
    std::uint64_t active_ = 0;  // member of an exclusive consumer
    std::uint64_t active_term_ = 0;
    bool term_recorded_ = true;

    // Totals, as of the next record.
    std::uint64_t done_ = 0;
    std::uint64_t skipped_ = 0;
    std::uint64_t expired_ = 0;
    std::uint64_t dropped_ = 0;
    std::uint64_t failures_ = 0;
    std::uint64_t term_ = 0;
    Change change_;
    std::optional<Change> under_way_;
    std::uint64_t under_way_term_ = 0;
    // Of records since the last whole one, and of that one.
    std::size_t records_since_ = 0;
    std::size_t items_since_ = 0;
    std::size_t whole_items_ = 0;
    std::deque<wire::ConsumerRecord> whole_;  // parts that are not recorded yet
};

}  // namespace skald::broker
