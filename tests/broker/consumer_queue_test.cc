// Queues: by the consumer's core, and of a node.
#include "tests/broker/consumer_fixture.h"
#include "tests/broker/consumers_fixture.h"

namespace skald {
namespace {

using broker::ConsumerFixture;
using broker::Offsets;
using broker::offsets_of;
using Ranges = std::vector<store::VersionRange>;

struct QueueFixture : ConsumerFixture {
    QueueFixture() {
        settings.queue.emplace();
        consumer->edit(settings);
    }
};

ConsumerSettings queue_of(const std::string& stream, std::uint64_t max_count,
                          WhenFull when_full = WhenFull::reject) {
    ConsumerSettings settings = settings_of(stream + "-queue");
    settings.selection = Selection::stream(stream);
    settings.queue.emplace();
    settings.queue->max_count = max_count;
    settings.queue->when_full = when_full;
    return settings;
}

Errc refusal(EventStore& store, const std::string& stream, int count) {
    std::vector<NewEvent> events(static_cast<std::size_t>(count));
    for (NewEvent& event : events) {
        event.type = "made";
        event.data = "{}";
    }
    const auto receipt = store.append(Append::many(stream, std::move(events)));
    return receipt ? Errc{} : receipt.error().code;
}

std::vector<std::uint64_t> versions_in(EventStore& store, const std::string& stream) {
    std::vector<std::uint64_t> versions;
    const auto page = store.read({Selection::stream(stream)});
    REQUIRE(page);
    for (const EventView& event : page->events) {
        versions.push_back(event.version.value);
    }
    return versions;
}

}  // namespace

TEST_CASE("consumer queue: what is done goes, as far as everything before it is known",
          "[broker]") {
    QueueFixture f;
    CHECK(f.consumer->hungry());
    f.read(10);
    const auto member = f.join();
    REQUIRE(f.fetch(member).events.size() == 10);
    CHECK(f.consumer->removal().before == Version{0});
    CHECK(f.consumer->removal().behind.empty());
    for (const std::uint64_t offset : {0, 1, 4, 5, 9}) {
        f.answer(member, offset, AckWork{});
    }
    f.answer(member, 3, RetryWork{1h, ""});
    CHECK_FALSE(f.consumer->said_all());
    CHECK(f.consumer->unrecorded().count == 5);
    CHECK(f.consumer->effects().left.count == 0);
    f.write();
    CHECK(f.consumer->said_all());
    CHECK(f.consumer->effects().left == broker::Consumer::Amount{5, 500});
    CHECK(f.consumer->removal().before == Version{2});
    CHECK(f.consumer->removal().behind ==
          Ranges{{Version{4}, Version{6}}, {Version{9}, Version{10}}});

    f.restart();
    // 3 is known from a record, but not what comes before it.
    CHECK(f.consumer->kept() == broker::Consumer::Amount{1, 100});
    CHECK(f.consumer->removal().before == Version{0});
    CHECK(f.consumer->removal().behind.empty());
    CHECK(f.next == 2);
    f.read(1);
    CHECK(f.consumer->removal().before == Version{2});
    CHECK(f.consumer->removal().behind.empty());
    f.read(7);
    CHECK(f.consumer->removal().behind ==
          Ranges{{Version{4}, Version{6}}, {Version{9}, Version{10}}});
    CHECK(f.consumer->knows({Partition{}, Offset{3}}));
    CHECK_FALSE(f.consumer->knows({Partition{}, Offset{10}}));
}

TEST_CASE("consumer queue: the oldest are dropped that no member has", "[broker]") {
    QueueFixture f;
    f.read(10);
    const auto member = f.join(2);
    REQUIRE(offsets_of(f.fetch(member)) == Offsets{0, 1});
    f.answer(member, 0, ParkWork{"never"});
    f.consumer->drop_oldest({3, 0});
    CHECK(f.consumer->status().dropped == 3);
    CHECK(f.consumer->status().done == 3);
    CHECK(offsets_of(f.fetch(member)) == Offsets{5});
    f.consumer->drop_oldest({0, 101});
    CHECK(f.consumer->status().dropped == 5);
    f.consumer->drop_oldest({1000, 0});
    CHECK(f.consumer->status().dropped == 7);
    CHECK(f.consumer->status().in_flight == 2);
    CHECK(f.consumer->status().parked == 1);
    f.write();
    f.restart();
    CHECK(f.consumer->status().dropped == 7);
}

TEST_CASE("consumer queue: is bounded, and what is done goes from the stream", "[broker]") {
    TempDirectory directory;
    auto node = start(options_of(directory));
    auto consumers = consumers_of(*node);
    EventStore& store = node->local();
    publish(store, "jobs", 3);
    REQUIRE(consumers->create(queue_of("jobs", 5)));
    CHECK(consumers->show("jobs-queue")->queue_count == 3);
    CHECK(refusal(store, "jobs", 3) == Errc::busy);
    CHECK(refusal(store, "jobs", 6) == Errc::request_too_large);
    CHECK(refusal(store, "other", 6) == Errc{});
    CHECK(refusal(store, "jobs", 2) == Errc{});
    CHECK(consumers->show("jobs-queue")->queue_count == 5);
    Seen seen;
    {
        auto member = join(*consumers, "jobs-queue", [&](const Work& work) -> WorkAnswer {
            seen.add(work.event);
            return work.event.version == Version{2} ? WorkAnswer(ParkWork{"no"})
                                                    : WorkAnswer(AckWork{});
        });
        seen.wait_for(5);
        REQUIRE(member->drain());
    }
    CHECK(consumers->show("jobs-queue")->queue_count == 1);
    await([&] { return versions_in(store, "jobs") == std::vector<std::uint64_t>{2}; });
    CHECK(refusal(store, "jobs", 4) == Errc{});
    CHECK(refusal(store, "jobs", 1) == Errc::busy);

    node.reset();
    node = start(options_of(directory));
    consumers = consumers_of(*node);
    CHECK(consumers->show("jobs-queue")->queue_count == 5);
    CHECK(refusal(node->local(), "jobs", 1) == Errc::busy);
    ConsumerSettings wider = queue_of("jobs", 7);
    REQUIRE(consumers->edit(wider));
    CHECK(refusal(node->local(), "jobs", 2) == Errc{});
    CHECK(*consumers->purge("jobs-queue") == 1);
    CHECK(refusal(node->local(), "jobs", 1) == Errc{});
    await([&] {
        return versions_in(node->local(), "jobs") ==
               std::vector<std::uint64_t>{5, 6, 7, 8, 9, 10, 11};
    });
    REQUIRE(consumers->remove("jobs-queue"));
    CHECK(refusal(node->local(), "jobs", 20) == Errc{});
}

TEST_CASE("consumer queue: lets appends wait for room, in their order", "[broker]") {
    TempDirectory directory;
    auto node = start(options_of(directory));
    auto consumers = consumers_of(*node);
    std::atomic<int> written{0};
    std::atomic<int> refused{0};
    int published = 0;
    auto client = connect_to(*node);
    ConsumerSettings settings = queue_of("jobs", 5, WhenFull::wait);
    settings.queue->max_wait = std::chrono::minutes(1);
    REQUIRE(consumers->create(settings));
    const auto publish_later = [&](int count) {
        for (int i = 0; i < count; ++i) {
            Append append = Append::one("jobs", event(std::to_string(++published)));
            append.check_ids = true;  // so that each is a request of its own
            client->append_async(std::move(append), [&](const auto& receipt) {
                CHECK((receipt || receipt.error().code == Errc::busy));
                ++(receipt ? written : refused);
            });
        }
    };
    publish_later(20);
    await([&] { return written == 5; });
    // Not behind them: it is another's, and of another stream.
    CHECK(refusal(node->local(), "others", 1) == Errc{});
    CHECK(written == 5);
    Seen seen;
    {
        auto member = join(*consumers, "jobs-queue", [&](const Work& work) -> WorkAnswer {
            CHECK(work.event.data == std::to_string(work.event.version.value + 1));
            seen.add(work.event);
            return AckWork{};
        });
        seen.wait_for(20);
        REQUIRE(member->drain());
    }
    await([&] { return written == 20; });
    CHECK(consumers->show("jobs-queue")->queue_count == 0);

    publish_later(7);
    await([&] { return written == 25; });
    node.reset();
    await([&] { return refused == 2; });
    CHECK(written == 25);
}

TEST_CASE("consumer queue: drops the oldest when it is full", "[broker]") {
    TempDirectory directory;
    auto node = start(options_of(directory));
    auto consumers = consumers_of(*node);
    REQUIRE(consumers->create(queue_of("jobs", 5, WhenFull::drop_oldest)));
    for (int i = 0; i < 10; ++i) {
        CHECK(refusal(node->local(), "jobs", 2) == Errc{});
    }
    await([&] { return consumers->show("jobs-queue")->queue_count == 5; });
    CHECK(consumers->show("jobs-queue")->dropped == 15);
    await([&] {
        return versions_in(node->local(), "jobs") == std::vector<std::uint64_t>{15, 16, 17, 18, 19};
    });
}

TEST_CASE("consumer queue: drops what is beyond all that it knows", "[broker]") {
    TempDirectory directory;
    auto node = start(options_of(directory));
    auto consumers = consumers_of(*node);
    constexpr std::uint64_t kMost = limits::kConsumerWindowMax + 2000;
    constexpr std::uint64_t kAll = kMost + limits::kQueueOverCount + 3000;
    REQUIRE(consumers->create(queue_of("jobs", kMost, WhenFull::drop_oldest)));
    for (std::uint64_t come = 0; come < kAll; come += 1000) {
        await([&] { return refusal(node->local(), "jobs", 1000) == Errc{}; });
    }
    await([&] { return consumers->show("jobs-queue")->queue_count == kMost; });
}

TEST_CASE("consumer queue: what may be one", "[broker]") {
    TempDirectory directory;
    auto node = start(options_of(directory));
    auto consumers = consumers_of(*node);
    ConsumerSettings settings = queue_of("jobs", 5);
    REQUIRE(consumers->create(settings));
    REQUIRE(consumers->create(settings));
    ConsumerSettings second = settings;
    second.name = "second";
    CHECK(consumers->create(second).error().code == Errc::already_exists);
    second.selection = Selection::category("jobs");
    CHECK(consumers->create(second).error().code == Errc::invalid_argument);
    second.selection = Selection::stream("others");
    second.selection.types = {"made"};
    CHECK(consumers->create(second).error().code == Errc::invalid_argument);
    second = settings;
    second.queue->max_count = 0;
    CHECK(consumers->edit(second).error().code == Errc::invalid_argument);
    second = settings;
    second.queue.reset();
    CHECK(consumers->edit(second).error().code == Errc::invalid_argument);
    second = settings;
    second.selection = Selection::stream("others");
    CHECK(consumers->edit(second).error().code == Errc::invalid_argument);
}

}  // namespace skald
