// Durable consumers of a node, over its sockets.
#include "skald/consumers.h"

#include "tests/broker/consumers_fixture.h"
#include "wire/consumer_messages.h"

namespace skald {

TEST_CASE("consumers: members share what is stored and what comes", "[broker]") {
    TempDirectory directory;
    auto node = start(options_of(directory));
    auto consumers = consumers_of(*node);
    publish(node->local(), "order-1", 50);
    REQUIRE(consumers->create(settings_of("mailer")));
    Seen seen;
    auto a = join(*consumers, "mailer", acknowledges(seen));
    auto b = join(*consumers, "mailer", acknowledges(seen));
    seen.wait_for(50);
    publish(node->local(), "order-2", 50);
    seen.wait_for(100);
    REQUIRE(a->drain());
    REQUIRE(b->drain());
    for (const auto& [offset, count] : seen.counts()) {
        CHECK(count == 1);
    }
    const auto status = consumers->show("mailer");
    REQUIRE(status);
    CHECK(status->done == 100);
    CHECK(status->in_flight == 0);
    CHECK(status->waiting == 0);
    CHECK(status->parked == 0);
}

TEST_CASE("consumers: where they stand survives a restart", "[broker]") {
    TempDirectory directory;
    Seen seen;
    {
        auto node = start(options_of(directory));
        auto consumers = consumers_of(*node);
        publish(node->local(), "order-1", 40);
        REQUIRE(consumers->create(settings_of("mailer")));
        auto member = join(*consumers, "mailer", acknowledges(seen));
        seen.wait_for(40);
        REQUIRE(member->drain());
    }
    auto node = start(options_of(directory));
    auto consumers = consumers_of(*node);
    CHECK(consumers->show("mailer")->done == 40);
    publish(node->local(), "order-1", 5);
    auto member = join(*consumers, "mailer", acknowledges(seen));
    seen.wait_for(45);
    REQUIRE(member->drain());
    for (const auto& [offset, count] : seen.counts()) {
        CHECK(count == 1);
    }
    CHECK(consumers->show("mailer")->done == 45);
}

TEST_CASE("consumers: what fails is given again, then parked, then replayed", "[broker]") {
    TempDirectory directory;
    auto node = start(options_of(directory));
    auto consumers = consumers_of(*node);
    ConsumerSettings settings = settings_of("mailer");
    settings.max_deliveries = 3;
    REQUIRE(consumers->create(settings));
    publish(node->local(), "order-1", 10);
    Seen seen;
    std::atomic<bool> poisoned{true};
    auto member = join(*consumers, "mailer", [&](const Work& work) -> WorkAnswer {
        const int times = seen.add(work.event);
        if (work.event.version == Version{4} && poisoned) {
            CHECK(work.attempt == static_cast<std::uint32_t>(times));
            return RetryWork{std::nullopt, "no such address"};
        }
        return AckWork{};
    });
    await([&] { return consumers->show("mailer")->parked == 1; });
    auto parked = consumers->parked("mailer", std::nullopt, 10);
    REQUIRE(parked);
    REQUIRE(parked->size() == 1);
    CHECK(parked->front().stream == "order-1");
    CHECK(parked->front().type == "made");
    CHECK(parked->front().reason == "no such address");
    CHECK(parked->front().attempts == 3);
    CHECK(consumers->show("mailer")->done == 9);
    CHECK(consumers->show("mailer")->failures == 3);
    poisoned = false;
    CHECK(*consumers->replay("mailer", 10) == 1);
    await([&] { return consumers->show("mailer")->done == 10; });
    CHECK(consumers->show("mailer")->parked == 0);
    CHECK(consumers->parked("mailer", std::nullopt, 10)->empty());
}

TEST_CASE("consumers: a key that fails parks alone, in order", "[broker]") {
    TempDirectory directory;
    auto node = start(options_of(directory));
    auto consumers = consumers_of(*node);
    ConsumerSettings settings = settings_of("mailer", ConsumerMode::per_key);
    settings.max_deliveries = 2;
    REQUIRE(consumers->create(settings));
    for (int round = 0; round < 5; ++round) {
        publish(node->local(), "order-1", 3);
        publish(node->local(), "order-2", 3);
    }
    Seen seen;
    std::atomic<bool> poisoned{true};
    const auto work_on = [&](const Work& work) -> WorkAnswer {
        if (work.event.stream == "order-1" && work.event.version == Version{3} && poisoned) {
            return RetryWork{std::nullopt, "no"};
        }
        seen.add(work.event);
        return AckWork{};
    };
    auto a = join(*consumers, "mailer", work_on);
    auto b = join(*consumers, "mailer", work_on);
    await([&] { return consumers->show("mailer")->parked == 12; });
    seen.wait_for(18);
    auto parked = consumers->parked("mailer", std::nullopt, 100);
    REQUIRE(parked->size() == 12);
    CHECK_FALSE(parked->front().follower);
    CHECK(parked->back().follower);
    poisoned = false;
    CHECK(*consumers->replay("mailer", 1) == 12);
    seen.wait_for(30);
    for (const char* stream : {"order-1", "order-2"}) {
        const auto versions = seen.versions_of(stream);
        CHECK(versions.size() == 15);
        CHECK(std::is_sorted(versions.begin(), versions.end()));
    }
}

TEST_CASE("consumers: how old the oldest event is that is not done", "[broker]") {
    TempDirectory directory;
    auto node = start(options_of(directory));
    auto consumers = consumers_of(*node);
    REQUIRE(consumers->create(settings_of("mailer")));
    CHECK_FALSE(consumers->show("mailer")->oldest);
    publish(node->local(), "order-1", 3);
    const auto page = node->local().read({Selection::stream("order-1")});
    Seen seen;
    auto member = join(*consumers, "mailer", [&](const Work& work) -> WorkAnswer {
        seen.add(work.event);
        return work.event.version == Version{1} ? WorkAnswer(RetryWork{1h, "later"})
                                                : WorkAnswer(AckWork{});
    });
    seen.wait_for(3);
    await([&] { return consumers->show("mailer")->done == 2; });
    CHECK(consumers->show("mailer")->oldest == page->events.at(1).recorded_at);
    CHECK(consumers->show("mailer")->waiting == 1);
}

TEST_CASE("consumers: an exclusive one gives all to one member, in order", "[broker]") {
    TempDirectory directory;
    auto node = start(options_of(directory));
    auto consumers = consumers_of(*node);
    REQUIRE(consumers->create(settings_of("ledger", ConsumerMode::exclusive)));
    Seen first;
    Seen second;
    std::atomic<std::uint64_t> term{0};
    auto a = join(*consumers, "ledger", [&](const Work& work) {
        first.add(work.event);
        term = work.term;
        return AckWork{};
    });
    publish(node->local(), "order-1", 20);
    first.wait_for(20);
    CHECK(term == 1);
    auto b = join(*consumers, "ledger", [&](const Work& work) {
        second.add(work.event);
        term = work.term;
        return AckWork{};
    });
    publish(node->local(), "order-1", 20);
    first.wait_for(40);
    CHECK(second.counts().empty());
    a.reset();
    publish(node->local(), "order-1", 20);
    second.wait_for(20);
    CHECK(term == 2);
    CHECK(consumers->show("ledger")->term == 2);
    const auto versions = second.versions_of("order-1");
    CHECK(versions.front() == 40);
    CHECK(std::is_sorted(versions.begin(), versions.end()));
}

TEST_CASE("consumers: a member's number is none before it joins", "[broker]") {
    TempDirectory directory;
    auto node = start(options_of(directory));
    auto consumers = consumers_of(*node);
    publish(node->local(), "order-1", 1);
    REQUIRE(consumers->create(settings_of("mailer")));
    const auto services = services_of(*node);
    wire::MemberRequest request;
    request.verb = wire::MemberVerb::answer;
    request.answers = {{Partition{}, Offset{0}, Offset{1}, AckWork{}}};
    for (const std::uint64_t member : {0, 1, 7}) {
        request.member = member;
        auto reply = services->request("consumer/mailer", wire::encode(request), 30s);
        REQUIRE_FALSE(reply);
        CHECK(reply.error().code == Errc::not_found);
    }
    CHECK(consumers->show("mailer")->done == 0);
}

TEST_CASE("consumers: are declared, changed and deleted", "[broker]") {
    TempDirectory directory;
    auto node = start(options_of(directory));
    auto consumers = consumers_of(*node);
    CHECK(consumers->show("mailer").error().code == Errc::not_found);
    CHECK(consumers->join("mailer", [](const Work&) { return AckWork{}; }).error().code ==
          Errc::not_found);
    ConsumerSettings settings = settings_of("mailer");
    settings.selection = Selection::category("order");
    REQUIRE(consumers->create(settings));
    REQUIRE(consumers->create(settings));
    settings.in_flight = 7;
    CHECK(consumers->create(settings).error().code == Errc::already_exists);
    REQUIRE(consumers->edit(settings));
    CHECK(consumers->show("mailer")->settings == settings);
    settings.mode = ConsumerMode::per_key;
    CHECK(consumers->edit(settings).error().code == Errc::invalid_argument);
    settings.name = "a/b";
    CHECK(consumers->create(settings).error().code == Errc::invalid_argument);
    REQUIRE(consumers->pause("mailer"));
    CHECK(consumers->show("mailer")->paused);
    publish(node->local(), "order-1", 3);
    publish(node->local(), "bill-1", 3);
    Seen seen;
    auto member = join(*consumers, "mailer", acknowledges(seen));
    REQUIRE(consumers->resume("mailer"));
    seen.wait_for(3);
    CHECK(seen.versions_of("bill-1").empty());
    CHECK(consumers->list()->size() == 1);
    REQUIRE(consumers->remove("mailer"));
    CHECK(consumers->list()->empty());
    await([&] { return member->ended().has_value(); });
    CHECK(member->ended()->code == Errc::not_found);
    settings = settings_of("mailer");
    REQUIRE(consumers->create(settings));
    CHECK(consumers->show("mailer")->done == 0);
}

}  // namespace skald
