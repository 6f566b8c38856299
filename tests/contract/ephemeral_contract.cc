// Ephemeral events: to those who are caught up and asked for them, and nowhere else.
#include <algorithm>
#include <future>

#include "tests/contract/fixture.h"

namespace skald::contract {
namespace {

// A subscription that asked for them, once it is caught up.
std::unique_ptr<Subscription> follow(Fixture& f, Recorder& recorder, Selection selection,
                                     std::uint32_t events_in_flight = 16384) {
    Subscribe request;
    request.selection = std::move(selection);
    request.ephemeral = true;
    request.events_in_flight = events_in_flight;
    auto subscription = f.store().subscribe(request, recorder);
    REQUIRE(subscription);
    recorder.wait_until_caught_up();
    return std::move(*subscription);
}

void reaches_a_subscriber_and_no_log(Fixture& f) {
    f.append("other", {"stored"});
    const Position before = f.position();
    Recorder recorder;
    const auto subscription = follow(f, recorder, Selection::all());
    NewEvent sent = event("typing", R"({"user":"ann"})");
    sent.time = Time{1'700'000'000'000'000};
    sent.tags = {"red"};
    sent.metadata = {{"k", "v"}};
    sent.correlation_id = "c";
    const Uuid id = f.publish("chat-1", sent);
    recorder.wait_for_ephemeral(1);
    const Event got = recorder.ephemeral().at(0);
    CHECK(got.ephemeral);
    CHECK(got.stream == "chat-1");
    CHECK(got.type == "typing");
    CHECK(got.data == sent.data);
    CHECK(got.id == id);
    CHECK(got.time == *sent.time);
    CHECK(got.tags == sent.tags);
    CHECK(got.metadata == sent.metadata);
    CHECK(got.correlation_id == "c");
    CHECK(f.types(Selection::all()) == Types{"stored"});
    CHECK(f.info("chat-1").state == StreamState::none);
    CHECK(compare(f.position(), before) == Order::equal);
    CHECK(recorder.types() == Types{"stored"});
}

void keeps_its_id_and_has_a_time(Fixture& f) {
    Recorder recorder;
    const auto subscription = follow(f, recorder, Selection::all());
    CHECK(f.publish("s", event_with_id("a", 7)) == uuid(7));
    recorder.wait_for_ephemeral(1);
    CHECK(recorder.ephemeral().at(0).id == uuid(7));
    CHECK(recorder.ephemeral().at(0).time.us > 0);
}

void only_those_who_asked(Fixture& f) {
    Recorder silent;
    const auto one = subscribe(f, silent, Selection::all());
    silent.wait_until_caught_up();
    Recorder asking;
    const auto two = follow(f, asking, Selection::all());
    f.publish("s", event("a"));
    asking.wait_for_ephemeral(1);
    f.append("s", {"stored"});
    silent.wait_for_events(1);
    CHECK(silent.ephemeral().empty());
    CHECK_FALSE(silent.events().at(0).ephemeral);
}

void only_those_who_are_there(Fixture& f) {
    f.publish("s", event("early"));
    Recorder recorder;
    const auto subscription = follow(f, recorder, Selection::all());
    f.publish("s", event("now"));
    recorder.wait_for_ephemeral(1);
    CHECK(recorder.ephemeral_types() == Types{"now"});
    CHECK(recorder.dropped() == 0);
}

// Each sees what it selects; the last is for all of them.
void selections(Fixture& f) {
    Selection globs = Selection::all();
    globs.types = {"p*"};
    globs.streams = {"*-1"};
    const std::vector<std::pair<Selection, Types>> cases{
        {Selection::all(), {"placed", "seen", "tagged", "paid", "paid"}},
        {Selection::stream("order-1"), {"placed", "paid"}},
        {Selection::category("order"), {"placed", "seen", "paid"}},
        {Selection::type("paid"), {"paid", "paid"}},
        {Selection::correlation("c"), {"tagged", "paid"}},
        {Selection::matching({{{{"placed"}, {}}, {{}, {"red"}}}}), {"placed", "tagged", "paid"}},
        {globs, {"placed", "paid", "paid"}},
    };
    std::vector<std::unique_ptr<Recorder>> recorders;
    std::vector<std::unique_ptr<Subscription>> subscriptions;
    for (const auto& [selection, types] : cases) {
        recorders.push_back(std::make_unique<Recorder>());
        subscriptions.push_back(follow(f, *recorders.back(), selection));
    }
    f.publish("order-1", event("placed"));
    f.publish("order-2", event("seen"));
    NewEvent tagged = event("tagged");
    tagged.tags = {"blue", "red"};
    tagged.correlation_id = "c";
    f.publish("user-2", tagged);
    f.publish("user-1", event("paid"));
    NewEvent last = tagged;
    last.type = "paid";
    f.publish("order-1", last);
    for (std::size_t i = 0; i < cases.size(); ++i) {
        CAPTURE(i);
        recorders[i]->wait_for_ephemeral(cases[i].second.size());
        CHECK(recorders[i]->ephemeral_types() == cases[i].second);
    }
}

void refusals(Fixture& f) {
    const auto refused = [&f](const std::string& stream, NewEvent bad) {
        const auto id = f.store().publish_ephemeral(stream, std::move(bad));
        REQUIRE_FALSE(id);
        return id.error().code;
    };
    CHECK(refused("", event("a")) == Errc::invalid_stream_name);
    CHECK(refused("$ours", event("a")) == Errc::invalid_stream_name);
    CHECK(refused("s*", event("a")) == Errc::invalid_stream_name);
    CHECK(refused("s", event("")) == Errc::invalid_event);
    CHECK(refused("s", event("$ours")) == Errc::invalid_event);
    CHECK(refused("s", event("a", std::string((1 << 20) + 1, 'x'))) == Errc::event_too_large);
    f.publish("s", event("a", std::string(1 << 20, 'x')));
}

void a_slow_handler_is_told_how_many_were_dropped(Fixture& f) {
    constexpr std::uint64_t kEvents = 6;
    std::promise<void> release;
    std::future<void> released = release.get_future();
    std::promise<void> entered;
    bool first = true;
    Recorder recorder;
    recorder.during_ephemeral = [&](const EventView&) {
        if (std::exchange(first, false)) {
            entered.set_value();
            released.wait();
        }
    };
    const auto subscription = follow(f, recorder, Selection::all(), 1);
    f.publish("s", event("0"));
    entered.get_future().wait();
    for (std::uint64_t i = 1; i < kEvents; ++i) {
        f.publish("s", event(std::to_string(i)));
    }
    release.set_value();
    recorder.wait_for_ephemeral(kEvents);
    CHECK(recorder.ephemeral_types().at(0) == "0");
    CHECK(recorder.dropped() >= kEvents - 2);
    CHECK(recorder.ephemeral().size() + recorder.dropped() == kEvents);
    const std::size_t seen = recorder.ephemeral().size();
    f.publish("s", event("later"));
    recorder.wait_for_ephemeral(kEvents + 1);
    CHECK(recorder.ephemeral().size() == seen + 1);
    CHECK_FALSE(recorder.ended());
}

void stored_events_are_never_lost_to_them(Fixture& f) {
    constexpr std::size_t kEvents = 50;
    Recorder recorder;
    const auto subscription = follow(f, recorder, Selection::all(), 2);
    for (std::size_t i = 0; i < kEvents; ++i) {
        f.publish("s", event("passing"));
        f.append("s", {"stored"});
    }
    recorder.wait_for_events(kEvents);
    const std::vector<Event> events = recorder.events();
    REQUIRE(events.size() == kEvents);
    for (std::size_t i = 0; i < kEvents; ++i) {
        CHECK(events[i].version == Version{i});
    }
    CHECK(recorder.ephemeral().size() + recorder.dropped() <= kEvents);
}

void from_many_threads(Fixture& f) {
    constexpr std::size_t kThreads = 4;
    constexpr std::size_t kEach = 50;
    Recorder recorder;
    const auto subscription = follow(f, recorder, Selection::category("s"));
    std::vector<std::future<bool>> publishers;
    for (std::size_t t = 0; t < kThreads; ++t) {
        publishers.push_back(std::async(std::launch::async, [&f, t] {
            const std::string stream = "s-" + std::to_string(t);
            for (std::size_t i = 0; i < kEach; ++i) {
                if (!f.store().publish_ephemeral(stream, event(std::to_string(i)))) {
                    return false;
                }
            }
            return true;
        }));
    }
    for (auto& publisher : publishers) {
        CHECK(publisher.get());
    }
    recorder.wait_for_ephemeral(kThreads * kEach);
    CHECK(recorder.dropped() == 0);
    std::vector<std::size_t> next(kThreads);
    for (const Event& got : recorder.ephemeral()) {
        const auto t = static_cast<std::size_t>(got.stream.back() - '0');
        CHECK(got.type == std::to_string(next.at(t)++));
    }
}

void throwing_handler_ends_its_subscription(Fixture& f) {
    Recorder recorder;
    recorder.during_ephemeral = [](const EventView&) { throw std::runtime_error("poisoned"); };
    const auto subscription = follow(f, recorder, Selection::all());
    f.publish("s", event("bad"));
    recorder.wait_until_ended();
    CHECK(recorder.ended()->code == Errc::handler_failed);
    CHECK(compare(*recorder.ended_at(), f.position()) == Order::equal);
}

void unsubscribes_inside_the_handler(Fixture& f) {
    std::promise<Subscription*> handed;
    std::future<Subscription*> subscription = handed.get_future();
    int calls = 0;
    Recorder recorder;
    recorder.during_ephemeral = [&](const EventView&) {
        if (calls++ == 0) {
            subscription.get()->unsubscribe();
        }
    };
    const auto own = follow(f, recorder, Selection::all());
    Recorder witness;
    const auto other = follow(f, witness, Selection::all());
    f.publish("s", event("a"));
    f.publish("s", event("b"));
    handed.set_value(own.get());
    recorder.wait_for_ephemeral(1);
    f.publish("s", event("c"));
    witness.wait_for_ephemeral(3);
    CHECK(recorder.ephemeral_types() == Types{"a"});
    CHECK_FALSE(recorder.ended());
}

constexpr Test kTests[] = {
    {"ephemeral: reaches a subscriber, and no log", reaches_a_subscriber_and_no_log},
    {"ephemeral: keeps its id, and has a time", keeps_its_id_and_has_a_time},
    {"ephemeral: only for those who asked", only_those_who_asked},
    {"ephemeral: only for those who are there", only_those_who_are_there},
    {"ephemeral: each selection gets its own", selections},
    {"ephemeral: names and sizes are bound", refusals},
    {"ephemeral: a slow handler is told how many were dropped",
     a_slow_handler_is_told_how_many_were_dropped},
    {"ephemeral: stored events are never lost to them", stored_events_are_never_lost_to_them},
    {"ephemeral: from many threads", from_many_threads},
    {"ephemeral: a handler that throws ends its subscription",
     throwing_handler_ends_its_subscription},
    {"ephemeral: unsubscribe inside the handler", unsubscribes_inside_the_handler},
};

}  // namespace

std::span<const Test> ephemeral_tests() {
    return kTests;
}

}  // namespace skald::contract
