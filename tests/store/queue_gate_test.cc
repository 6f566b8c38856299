#include "store/queue_gate.h"

#include "tests/store/fixture.h"

namespace skald::store {
namespace {

using namespace std::chrono_literals;
using Amount = QueueGate::Amount;

Append append_of(const std::string& stream, int count) {
    std::vector<NewEvent> events(static_cast<std::size_t>(count));
    for (NewEvent& event : events) {
        event.type = "made";
        event.data = "0123456789";
    }
    return Append::many(stream, std::move(events));
}

Result<std::chrono::nanoseconds> enter(QueueGate& gate, std::string_view stream, Amount amount,
                                       std::optional<std::chrono::nanoseconds> waited = {}) {
    const QueueGate::Coming come{stream, amount};
    return gate.enter({&come, 1}, waited);
}

// Data, the names of stream and type, and the rest.
constexpr std::uint64_t kEventBytes = 10 + 4 + 4 + 64;

}  // namespace

TEST_CASE("queue_gate: a queue holds what its bounds say", "[store]") {
    QueueGate gate;
    CHECK_FALSE(gate.any());
    CHECK(enter(gate, "jobs", {5, 500}));
    CHECK_FALSE(gate.held("jobs"));
    gate.open("jobs", {{10, 1000}}, {2, 200});
    CHECK(gate.any());
    CHECK(enter(gate, "others", {50, 5000}));
    CHECK(enter(gate, "jobs", {8, 300}));
    CHECK(gate.held("jobs") == Amount{10, 500});
    CHECK(enter(gate, "jobs", {1, 1}).error().code == Errc::busy);
    gate.leave("jobs", {1, 100});
    CHECK(enter(gate, "jobs", {1, 601}).error().code == Errc::busy);
    CHECK(gate.held("jobs") == Amount{9, 400});
    CHECK(enter(gate, "jobs", {1, 600}));
    CHECK(enter(gate, "jobs", {11, 1}).error().code == Errc::request_too_large);
    CHECK(enter(gate, "jobs", {1, 1001}).error().code == Errc::request_too_large);
    gate.set("jobs", {{20, 2000}});
    CHECK(enter(gate, "jobs", {10, 1000}));
    gate.leave("jobs", {1000, 100000});
    CHECK(gate.held("jobs") == Amount{0, 0});
    gate.close("jobs");
    CHECK_FALSE(gate.any());
    CHECK(enter(gate, "jobs", {50, 5000}));
}

TEST_CASE("queue_gate: who may wait is told for how long, and when there may be room", "[store]") {
    int told = 0;
    QueueGate gate([&] { ++told; });
    gate.open("jobs", {{10, 1000}, 5s}, {10, 100});
    CHECK(enter(gate, "jobs", {1, 1}).error().code == Errc::busy);
    gate.leave("jobs", {1, 1});
    CHECK(*enter(gate, "jobs", {1, 1}, 0s) == 0s);
    CHECK(told == 0);
    CHECK(*enter(gate, "jobs", {1, 1}, 0s) == 5s);
    CHECK(*enter(gate, "jobs", {1, 1}, 3s) == 2s);
    CHECK(enter(gate, "jobs", {1, 1}, 5s).error().code == Errc::busy);
    CHECK(gate.held("jobs") == Amount{10, 100});
    CHECK(gate.take_room().empty());

    SECTION("when something leaves") {
        gate.leave("jobs", {1, 1});
    }
    SECTION("when it may hold more") {
        gate.set("jobs", {{20, 1000}, 5s});
    }
    SECTION("when it ends") {
        gate.close("jobs");
    }
    SECTION("when nobody may wait any more") {
        gate.allow_waits(false);
        CHECK(enter(gate, "jobs", {1, 1}, 0s).error().code == Errc::busy);
    }
    CHECK(told == 1);
    CHECK(gate.take_room() == std::vector<std::string>{"jobs"});
    CHECK(gate.take_room().empty());
    gate.leave("jobs", {1, 1});
    CHECK(told == 1);
}

TEST_CASE("queue_gate: what goes to several queues finds room in all of them, or in none",
          "[store]") {
    QueueGate gate;
    gate.open("a", {{10, 1000}, 5s}, {});
    gate.open("b", {{1, 1000}, 3s}, {});
    gate.open("c", {{1, 1000}}, {1, 1});
    const auto both = [&](std::string_view other, std::uint64_t count) {
        const std::vector<QueueGate::Coming> come{{"a", {2, 20}}, {other, {count, 1}}};
        return gate.enter(come, 1s);
    };
    CHECK(*both("b", 1) == 0s);
    CHECK(*both("b", 1) == 2s);
    CHECK(both("b", 2).error().code == Errc::request_too_large);
    CHECK(both("c", 1).error().code == Errc::busy);
    CHECK(gate.held("a") == Amount{2, 20});
    CHECK(gate.held("b") == Amount{1, 1});
    gate.leave("a", {1, 10});
    CHECK(gate.take_room().empty());
    gate.leave("b", {1, 1});
    CHECK(gate.take_room() == std::vector<std::string>{"b"});
    gate.allow_waits(false);
    CHECK(*both("b", 1) == 0s);
    CHECK(both("b", 1).error().code == Errc::busy);
    gate.allow_waits(true);
    CHECK(*both("b", 1) == 2s);
}

TEST_CASE("queue_gate: a full queue refuses an append whole, and what is refused counts nowhere",
          "[store]") {
    TestLog log;
    EventStore* const store = &log.store();
    QueueGate& gate = log.volume().queues();
    gate.open("jobs", {{3, 1'000'000}}, {});
    REQUIRE(store->append(append_of("jobs", 2)));
    CHECK(gate.held("jobs") == Amount{2, 2 * kEventBytes});
    auto refused = store->append(append_of("jobs", 2));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::busy);
    CHECK(refused.error().message.find("jobs") != std::string::npos);
    CHECK(gate.held("jobs")->count == 2);
    Append two = append_of("other", 1);
    two.streams.push_back(append_of("jobs", 2).streams.front());
    CHECK(store->append(two).error().code == Errc::busy);
    CHECK(store->stream_info("other")->state == StreamState::none);
    two.streams.back().events.pop_back();
    REQUIRE(store->append(two));
    CHECK(gate.held("jobs")->count == 3);
    gate.leave("jobs", {1, kEventBytes});
    REQUIRE(store->append(append_of("jobs", 1)));

    SECTION("what is there already takes no room") {
        Append exact = append_of("jobs", 1);
        exact.streams.front().expected = Expected::exact(3);
        exact.streams.front().events.front().id = Uuid{{1}};
        CHECK(store->append(exact).error().code == Errc::busy);
        gate.leave("jobs", {1, kEventBytes});
        REQUIRE(store->append(exact));
        CHECK(gate.held("jobs")->count == 3);
        CHECK(store->append(exact)->repeated);
        CHECK(gate.held("jobs")->count == 3);
    }
    SECTION("what fails for another reason takes none either") {
        gate.leave("jobs", {1, kEventBytes});
        Append wrong = append_of("jobs", 1);
        wrong.streams.front().expected = Expected::exact(77);
        CHECK(store->append(wrong).error().code == Errc::wrong_expected_version);
        CHECK(gate.held("jobs")->count == 2);
    }
    SECTION("a change of the stream needs no room") {
        CHECK(
            store->change_stream({"jobs", Expected::stream_exists(), TruncateStream{Version{1}}}));
    }
}

TEST_CASE("queue_gate: what a queue is done with goes from its stream", "[store]") {
    TestLog log;
    EventStore* const store = &log.store();
    REQUIRE(store->append(append_of("jobs", 10)));
    const auto remove = [&](const Removal& removal) {
        auto bytes = log.volume().encode_removal("jobs", removal);
        REQUIRE(bytes);
        auto view = wire::RequestView::open(as_bytes(*bytes), true);
        REQUIRE(view);
        return log.volume().append({*view, std::nullopt, nullptr, 0});
    };
    const auto versions = [&] {
        std::vector<std::uint64_t> found;
        auto page = store->read({Selection::stream("jobs")});
        REQUIRE(page);
        for (const EventView& event : page->events) {
            found.push_back(event.version.value);
        }
        return found;
    };
    using Versions = std::vector<std::uint64_t>;
    REQUIRE(remove({Version{2}, {{Version{4}, Version{6}}, {Version{8}, Version{9}}}}));
    CHECK(versions() == Versions{2, 3, 6, 7, 9});
    CHECK(store->stream_info("jobs")->first == Version{2});
    REQUIRE(store->append(append_of("jobs", 1)));
    REQUIRE(remove({Version{7}, {{Version{8}, Version{10}}}}));
    CHECK(versions() == Versions{7, 10});

    SECTION("other changes of the stream leave that as it is") {
        StreamLimits limits;
        limits.max_count = 100;
        REQUIRE(store->change_stream({"jobs", Expected::any(), SetLimits{limits}}));
        CHECK(versions() == Versions{7, 10});
    }
    SECTION("a scavenge takes the bytes") {
        CHECK(log.scavenge().records_removed == 9);
        CHECK(versions() == Versions{7, 10});
        log.reopen();
        CHECK(log.data("jobs").size() == 2);
    }
}

}  // namespace skald::store
