// A consumer under random members, crashes and a clock that is driven: what holds of every run.
#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <set>

#include "broker/consumers/consumer.h"

namespace skald::broker {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kEvents = 60;
constexpr std::uint64_t kKeys = 4;

ConsumerSettings settings_of(ConsumerMode mode) {
    ConsumerSettings settings;
    settings.name = "work";
    settings.mode = mode;
    settings.ack_timeout = 500ms;
    settings.max_deliveries = 3;
    settings.backoff = {100ms, 2, 1000ms, 0.1};
    settings.in_flight = 20;
    return settings;
}

// Of offset n the event has key n modulo kKeys; every third offset matches nothing.
bool matches(std::uint64_t offset) {
    return offset % 3 != 2;
}

constexpr Time kBegin{1'000'000'000};
constexpr Time kLater{kBegin.us + 2'000'000};

Time due_of(std::uint64_t offset) {
    return offset % 10 == 1 ? kLater : Time{};
}

// Some are due later, some are of high priority, some expire.
bool expires(std::uint64_t offset) {
    return offset % 22 == 15;
}
std::shared_ptr<const EventTerms> drawn_terms(std::uint64_t offset) {
    auto terms = std::make_shared<EventTerms>();
    terms->due = due_of(offset);
    terms->terms.high = offset % 7 == 3;
    if (expires(offset)) {
        terms->terms.expires = kLater;
    }
    return offset % 2 == 0 ? nullptr : terms;
}

// The log's side and the members' side of one consumer.
class World {
  public:
    explicit World(ConsumerMode mode) : mode_(mode) { start(); }

    void start() {
        consumer_.emplace(settings_of(mode_), 7);
        for (const wire::ConsumerRecord& record : log_) {
            consumer_->replay(record);
        }
        read_ = consumer_->first_open(Partition{}).value;
        lead_ = read_;
        members_.clear();
        writing_.reset();
    }

    void read(std::uint64_t count) {
        std::vector<Candidate> found;
        for (; count != 0 && read_ < kEvents; --count, ++read_) {
            if (matches(read_)) {
                found.push_back({{Partition{}, Offset{read_}},
                                 Offset{lead_},
                                 Version{read_},
                                 read_ % kKeys,
                                 100,
                                 drawn_terms(read_)});
                lead_ = read_ + 1;
            }
        }
        consumer_->take(found, now_);
        consumer_->looked(Partition{}, Offset{read_});
    }

    void join() {
        if (members_.size() < 4) {
            members_[consumer_->join("m", 8, 1000ms, now_)];
        }
    }

    void fetch(std::size_t which) {
        if (const auto it = at(which); it != members_.end()) {
            if (!consumer_->fetch(it->first, ++ticket_, 300ms, now_)) {
                members_.erase(it);
                return;
            }
            fetches_[ticket_] = it->first;
            collect();
        }
    }

    // The member works on its first event.
    void work(std::size_t which, int outcome) {
        const auto it = at(which);
        if (it == members_.end() || it->second.empty()) {
            return;
        }
        const Given given = it->second.front();
        it->second.pop_front();
        WorkAnswer answer = AckWork{};
        if (outcome == 1) {
            answer = RetryWork{std::nullopt, "no"};
        } else if (outcome == 2) {
            answer = ParkWork{"never"};
        } else if (outcome == 3) {
            answer = ReleaseWork{};
        }
        std::vector<wire::AnsweredPlaces> answers{one(given.place, answer)};
        if (outcome != 0) {
            release_followers(it->second, given.place, answers);
        } else {
            worked_on(given.place);
        }
        if (!tell(it->first, answers)) {
            members_.erase(it);
            return;
        }
        if (outcome == 0) {
            waiting_[ticket_] = given.place;
        }
        collect();
    }

    void write() {
        if (!writing_) {
            writing_ = consumer_->next_record();
        }
        collect();
    }
    void written() {
        if (writing_) {
            log_.push_back(*writing_);
            writing_.reset();
            consumer_->recorded();
            collect();
        }
    }

    void pass(Monotonic time) {
        now_.monotonic += time;
        now_.time.us += std::chrono::duration_cast<std::chrono::microseconds>(time).count();
        consumer_->tick(now_);
        collect();
    }

    void crash() { start(); }
    void replay_parked() {
        (void)consumer_->replay_parked(kEvents, std::nullopt);
        first_.clear();  // of a key that was parked, order begins anew
    }

    // Members that do all they get, until nothing is left.
    void finish() {
        for (int round = 0; round < 400 && open() != 0; ++round) {
            read(kEvents);
            if (members_.empty()) {
                join();
            }
            replay_parked();
            for (std::size_t i = 0; i < members_.size(); ++i) {
                fetch(i);
                while (at(i) != members_.end() && !at(i)->second.empty()) {
                    work(i, 0);
                }
            }
            write();
            written();
            pass(100ms);
        }
        write();
        written();
    }

    bool tell(std::uint64_t member, std::span<const wire::AnsweredPlaces> answers) {
        const auto taken = consumer_->answer(member, answers, 0, now_);
        if (taken) {
            RC_ASSERT(*taken == answers.size());
            consumer_->confirm(++ticket_);
        }
        return taken.has_value();
    }

    std::uint64_t open() const {
        const ConsumerStatus status = consumer_->status();
        return status.in_flight + status.waiting + status.parked + (kEvents - read_);
    }
    std::uint64_t done() const { return consumer_->status().done; }
    std::uint64_t expired() const { return consumer_->status().expired; }
    const std::set<Place>& confirmed() const { return confirmed_; }
    const std::set<Place>& worked() const { return worked_; }

  private:
    using Members = std::map<std::uint64_t, std::deque<Given>>;

    Members::iterator at(std::size_t which) {
        return which < members_.size()
                   ? std::next(members_.begin(), static_cast<std::ptrdiff_t>(which))
                   : members_.end();
    }
    static wire::AnsweredPlaces one(Place place, const WorkAnswer& answer) {
        return {place.partition, place.offset, place.offset + 1, answer};
    }
    std::uint64_t key_of(Place place) const {
        return mode_ == ConsumerMode::exclusive ? 0 : place.offset.value % kKeys;
    }

    void release_followers(std::deque<Given>& queue, Place failed,
                           std::vector<wire::AnsweredPlaces>& answers) {
        if (mode_ == ConsumerMode::shared) {
            return;
        }
        const WorkAnswer release = ReleaseWork{};
        for (auto it = queue.begin(); it != queue.end();) {
            const bool follows = key_of(it->place) == key_of(failed);
            if (follows) {
                answers.push_back(one(it->place, release));
            }
            it = follows ? queue.erase(it) : std::next(it);
        }
    }

    // Of one key nothing is done for the first time before what came earlier, unless that is
    // parked, which this run then replays, or expired while a member that is dead had it.
    void worked_on(Place place) {
        if (!worked_.insert(place).second || mode_ == ConsumerMode::shared ||
            expires(place.offset.value)) {
            return;
        }
        Place& first = first_[key_of(place)];
        if (mode_ == ConsumerMode::per_key) {
            RC_ASSERT(first <= place);
        }
        first = std::max(first, place);
    }

    void collect() {
        for (GivenPage& page : consumer_->effects().pages) {
            const auto member = members_.find(fetches_[page.ticket]);
            for (const Given& given : page.events) {
                RC_ASSERT(matches(given.place.offset.value));
                RC_ASSERT(!confirmed_.contains(given.place));
                RC_ASSERT(due_of(given.place.offset.value) <= now_.time);
                if (member != members_.end()) {
                    member->second.push_back(given);
                }
            }
        }
        for (const std::uint64_t ticket : consumer_->effects().confirmed) {
            if (const auto it = waiting_.find(ticket); it != waiting_.end()) {
                confirmed_.insert(it->second);
            }
        }
        consumer_->effects() = {};
    }

    const ConsumerMode mode_;
    std::vector<wire::ConsumerRecord> log_;
    std::optional<Consumer> consumer_;
    std::optional<wire::ConsumerRecord> writing_;
    Consumer::Now now_{1h, kBegin};
    std::uint64_t read_ = 0;
    std::uint64_t lead_ = 0;
    std::uint64_t ticket_ = 0;
    Members members_;
    std::map<std::uint64_t, std::uint64_t> fetches_;
    std::map<std::uint64_t, Place> waiting_;
    std::set<Place> confirmed_;
    std::set<Place> worked_;
    std::map<std::uint64_t, Place> first_;
};

void act(World& world) {
    const auto which = *rc::gen::inRange<std::size_t>(0, 4);
    switch (*rc::gen::weightedElement<int>(
        {{3, 0}, {2, 1}, {6, 2}, {10, 3}, {5, 4}, {5, 5}, {3, 6}, {1, 7}, {1, 8}})) {
        case 0:
            return world.read(*rc::gen::inRange<std::uint64_t>(1, 20));
        case 1:
            return world.join();
        case 2:
            return world.fetch(which);
        case 3:
            return world.work(which,
                              *rc::gen::weightedElement<int>({{6, 0}, {2, 1}, {1, 2}, {1, 3}}));
        case 4:
            return world.write();
        case 5:
            return world.written();
        case 6:
            return world.pass(*rc::gen::element<Monotonic>(10ms, 150ms, 600ms, 1500ms));
        case 7:
            return world.crash();
        default:
            return world.replay_parked();
    }
}

void run(ConsumerMode mode) {
    World world(mode);
    const auto steps = *rc::gen::inRange(0, 200);
    for (int i = 0; i < steps; ++i) {
        act(world);
    }
    world.finish();
    std::uint64_t all = 0;
    for (std::uint64_t offset = 0; offset < kEvents; ++offset) {
        all += matches(offset) ? 1 : 0;
    }
    RC_ASSERT(world.open() == 0U);
    RC_ASSERT(world.worked().size() + world.expired() >= all);
    RC_ASSERT(world.worked().size() <= all);
    RC_ASSERT(world.done() == all);
}

}  // namespace

TEST_CASE("consumer: every event is done, none that was confirmed comes again", "[broker][model]") {
    CHECK(rc::check("shared", [] { run(ConsumerMode::shared); }));
    CHECK(rc::check("exclusive", [] { run(ConsumerMode::exclusive); }));
    CHECK(rc::check("per key", [] { run(ConsumerMode::per_key); }));
}

}  // namespace skald::broker
