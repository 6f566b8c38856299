// Subscriptions: catch-up then live without gap or repeat, starts, filters, ends.
#include <atomic>
#include <future>
#include <thread>

#include "tests/contract/fixture.h"

namespace skald::contract {
namespace {

// Events appended from a thread of its own, until told to stop.
class Appender {
  public:
    Appender(Fixture& f, std::string stream, std::uint64_t count)
        : done_(std::async(std::launch::async, [&f, stream = std::move(stream), count] {
              for (std::uint64_t i = 0; i < count; ++i) {
                  if (!f.store().append(Append::one(stream, event("live")))) {
                      return false;
                  }
              }
              return true;
          })) {}
    void join() { REQUIRE(done_.get()); }

  private:
    std::future<bool> done_;
};

// Each stream's versions come from `first` on, each once.
void check_gapless(const std::vector<Event>& events, std::uint64_t first, std::uint64_t count) {
    REQUIRE(events.size() == count);
    for (std::uint64_t i = 0; i < count; ++i) {
        REQUIRE(events[i].version == Version{first + i});
    }
}

void catches_up_then_lives(Fixture& f) {
    f.append("s", {"a", "b"});
    Recorder recorder;
    const auto subscription = subscribe(f, recorder, Selection::stream("s"));
    recorder.wait_for_events(2);
    recorder.wait_until_caught_up();
    f.append("s", {"c"});
    recorder.wait_for_events(3);
    CHECK(recorder.types() == Types{"a", "b", "c"});
    CHECK_FALSE(recorder.ended());
}

void no_gap_at_the_seam(Fixture& f) {
    constexpr std::uint64_t kBefore = 500;
    constexpr std::uint64_t kDuring = 500;
    for (std::uint64_t i = 0; i < kBefore; i += 100) {
        f.append("s", Types(100, "old"));
    }
    Appender appender(f, "s", kDuring);
    Recorder first;
    const auto one = subscribe(f, first, Selection::stream("s"));
    first.wait_for_events(kBefore / 2);
    Recorder second;  // begins somewhere in the middle of the appends
    const auto two = subscribe(f, second, Selection::all());
    appender.join();
    first.wait_for_events(kBefore + kDuring);
    second.wait_for_events(kBefore + kDuring);
    check_gapless(first.events(), 0, kBefore + kDuring);
    check_gapless(second.events(), 0, kBefore + kDuring);
}

void several_streams_at_the_seam(Fixture& f) {
    constexpr std::uint64_t kEach = 150;
    Appender a(f, "a-1", kEach);
    Appender b(f, "b-1", kEach);
    Recorder recorder;
    const auto subscription = subscribe(f, recorder, Selection::all());
    a.join();
    b.join();
    recorder.wait_for_events(2 * kEach);
    std::vector<Event> of_a;
    std::vector<Event> of_b;
    for (const Event& event : recorder.events()) {
        (event.stream == "a-1" ? of_a : of_b).push_back(event);
    }
    check_gapless(of_a, 0, kEach);
    check_gapless(of_b, 0, kEach);
}

void starts(Fixture& f) {
    f.append("s", {"a", "b"});
    const Position middle = f.position();
    f.append("s", {"c"});
    const Time time = f.read_all(Selection::stream("s"))[2].recorded_at;
    const auto seen_from = [&](Start start, std::size_t count) {
        Recorder recorder;
        const auto subscription = subscribe(f, recorder, Selection::stream("s"), std::move(start));
        recorder.wait_for_events(count);
        recorder.wait_until_caught_up();
        return recorder.types();
    };
    CHECK(seen_from(Beginning{}, 3) == Types{"a", "b", "c"});
    CHECK(seen_from(Version{1}, 2) == Types{"b", "c"});
    CHECK(seen_from(middle, 1) == Types{"c"});
    CHECK(seen_from(AtTime{time}, 1) == Types{"c"});
    CHECK(seen_from(End{}, 0).empty());
}

void end_sees_only_what_comes(Fixture& f) {
    f.append("s", {"old"});
    Recorder recorder;
    const auto subscription = subscribe(f, recorder, Selection::all(), End{});
    f.append("s", {"new"});
    recorder.wait_for_events(1);
    CHECK(recorder.types() == Types{"new"});
}

void waits_for_a_stream_to_come(Fixture& f) {
    Recorder recorder;
    const auto subscription = subscribe(f, recorder, Selection::stream("s"));
    recorder.wait_until_caught_up();
    f.append("other", {"x"});
    f.append("s", {"a"});
    recorder.wait_for_events(1);
    CHECK(recorder.types() == Types{"a"});
}

void starts_at_a_version_to_come(Fixture& f) {
    f.append("s", {"a"});
    Recorder recorder;
    const auto subscription = subscribe(f, recorder, Selection::stream("s"), Version{2});
    recorder.wait_until_caught_up();
    f.append("s", {"b", "c"});
    recorder.wait_for_events(1);
    CHECK(recorder.types() == Types{"c"});
}

void filters(Fixture& f) {
    Selection selection = Selection::category("order");
    selection.types = {"paid*"};
    Recorder recorder;
    const auto subscription = subscribe(f, recorder, selection);
    f.append("order-1", {"placed", "paid"});
    f.append("user-1", {"paid"});
    f.append("order-2", {"paid_late"});
    recorder.wait_for_events(2);
    CHECK(recorder.types() == Types{"paid", "paid_late"});
}

void filter_that_skips_reports_checkpoints(Fixture& f) {
    Selection selection = Selection::all();
    selection.types = {"rare"};
    Recorder recorder;
    const auto subscription = subscribe(f, recorder, selection);
    Receipt last;
    for (int i = 0; i < 20; ++i) {
        last = f.append("s", {"common", "common"});
    }
    recorder.wait_until_behind(last.position);
    CHECK(recorder.checkpoints() > 0);
    CHECK(recorder.events().empty());
    f.append("s", {"rare"});
    recorder.wait_for_events(1);
}

void positions_resume(Fixture& f) {
    for (int i = 0; i < 10; ++i) {
        f.append("s" + std::to_string(i % 3), {"t" + std::to_string(i)});
    }
    Recorder recorder;
    Subscribe request;
    request.events_in_flight = 1;
    auto subscription = f.store().subscribe(request, recorder);
    REQUIRE(subscription);
    recorder.wait_for_events(10);
    (*subscription)->unsubscribe();
    const auto positions = recorder.positions();
    const auto events = recorder.events();
    REQUIRE(positions.size() == events.size());
    for (std::size_t i = 0; i < positions.size(); ++i) {
        const auto rest = f.read_all(Selection::all(), positions[i]);
        CHECK(rest == std::vector<Event>(events.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                         events.end()));
    }
}

void lifecycle_applies(Fixture& f) {
    f.append("s", {"a", "b", "c"});
    f.change("s", TruncateStream{Version{1}});
    f.change("s", EraseEvent{Version{1}});
    Recorder recorder;
    const auto subscription = subscribe(f, recorder, Selection::all());
    recorder.wait_until_caught_up();
    CHECK(recorder.types() == Types{"c"});
    f.append("s", {"d"});
    recorder.wait_for_events(2);
    CHECK(recorder.types() == Types{"c", "d"});
}

void throwing_handler_ends_only_its_own(Fixture& f) {
    f.append("s", {"a"});
    Recorder throwing;
    throwing.during = [](const Delivery& delivery) {
        if (delivery.events[0].type == "bad") {
            throw std::runtime_error("poisoned");
        }
    };
    throwing.at_end = [] { throw std::runtime_error("and again"); };
    Recorder other;
    const auto one = subscribe(f, throwing, Selection::all());
    const auto two = subscribe(f, other, Selection::all());
    throwing.wait_for_events(1);
    const Position before = f.position();
    f.append("s", {"bad"});
    throwing.wait_until_ended();
    CHECK(throwing.ended()->code == Errc::handler_failed);
    CHECK(throwing.ended()->message.find("poisoned") != std::string::npos);
    CHECK(compare(*throwing.ended_at(), before) == Order::equal);
    f.append("s", {"c"});
    other.wait_for_events(3);
    CHECK(throwing.types() == Types{"a"});
    CHECK(f.types(Selection::all(), *throwing.ended_at()) == Types{"bad", "c"});
}

void no_call_after_unsubscribe(Fixture& f) {
    std::atomic<bool> over = false;
    std::atomic<bool> late = false;
    Recorder recorder;
    recorder.during = [&](const Delivery&) { late = late || over; };
    Appender appender(f, "s", 300);
    const auto subscription = subscribe(f, recorder, Selection::all());
    recorder.wait_for_events(20);
    subscription->unsubscribe();
    over = true;
    const std::size_t seen = recorder.events().size();
    appender.join();
    Recorder witness;  // sees all, so that time enough has passed
    const auto other = subscribe(f, witness, Selection::all());
    witness.wait_for_events(300);
    CHECK_FALSE(late);
    CHECK(recorder.events().size() == seen);
    CHECK_FALSE(recorder.ended());
}

void unsubscribes_inside_the_handler(Fixture& f) {
    f.append("s", {"a"});
    std::promise<Subscription*> handed;
    std::future<Subscription*> subscription = handed.get_future();
    std::atomic<int> calls = 0;
    Recorder recorder;
    recorder.during = [&](const Delivery&) {
        if (calls++ == 0) {
            subscription.get()->unsubscribe();
        }
    };
    const auto own = subscribe(f, recorder, Selection::all());
    handed.set_value(own.get());
    recorder.wait_for_events(1);
    f.append("s", {"b"});
    Recorder witness;
    const auto other = subscribe(f, witness, Selection::all());
    witness.wait_for_events(2);
    CHECK(calls == 1);
    CHECK_FALSE(recorder.ended());
}

void destroying_ends_it(Fixture& f) {
    Recorder recorder;
    subscribe(f, recorder, Selection::all()).reset();
    f.append("s", {"a"});
    Recorder witness;
    const auto other = subscribe(f, witness, Selection::all());
    witness.wait_for_events(1);
    CHECK(recorder.events().empty());
    CHECK_FALSE(recorder.ended());
}

void small_credit_loses_nothing(Fixture& f) {
    constexpr std::uint64_t kEvents = 60;
    Recorder recorder;
    Subscribe request;
    request.events_in_flight = 1;
    request.bytes_in_flight = 64 * 1024;
    const auto subscription = f.store().subscribe(request, recorder);
    REQUIRE(subscription);
    for (std::uint64_t i = 0; i < kEvents; ++i) {
        f.append(Append::one("s", event("a", std::string(i % 7 == 0 ? 100'000 : 10, 'x'))));
    }
    recorder.wait_for_events(kEvents);
    check_gapless(recorder.events(), 0, kEvents);
}

constexpr Test kTests[] = {
    {"subscriptions: catch up, then live", catches_up_then_lives},
    {"subscriptions: no gap and no repeat at the seam", no_gap_at_the_seam},
    {"subscriptions: several streams at the seam", several_streams_at_the_seam},
    {"subscriptions: starts", starts},
    {"subscriptions: the end sees only what comes", end_sees_only_what_comes},
    {"subscriptions: wait for a stream to come", waits_for_a_stream_to_come},
    {"subscriptions: start at a version to come", starts_at_a_version_to_come},
    {"subscriptions: filters", filters},
    {"subscriptions: a filter that skips reports checkpoints",
     filter_that_skips_reports_checkpoints},
    {"subscriptions: positions resume", positions_resume},
    {"subscriptions: lifecycle applies", lifecycle_applies},
    {"subscriptions: a handler that throws ends only its own", throwing_handler_ends_only_its_own},
    {"subscriptions: no call after unsubscribe", no_call_after_unsubscribe},
    {"subscriptions: unsubscribe inside the handler", unsubscribes_inside_the_handler},
    {"subscriptions: destroying one ends it", destroying_ends_it},
    {"subscriptions: small credit loses nothing", small_credit_loses_nothing},
};

}  // namespace

std::span<const Test> subscription_tests() {
    return kTests;
}

}  // namespace skald::contract
