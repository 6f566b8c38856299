// What events ask for their delivery, and members for their time, of a node.
#include "skald/work_terms.h"
#include "tests/broker/consumers_fixture.h"

namespace skald {

TEST_CASE("consumers: an event is given out when it asks to be", "[broker]") {
    TempDirectory directory;
    auto node = start(options_of(directory));
    auto consumers = consumers_of(*node);
    REQUIRE(consumers->create(settings_of("mailer")));
    const auto publish_with = [&](const char* type, const WorkTerms& terms) {
        NewEvent event;
        event.type = type;
        event.data = "{}";
        set_work_terms(event, terms);
        REQUIRE(node->local().append(Append::one("order-1", event)));
    };
    WorkTerms terms;
    terms.delay = 100ms;
    publish_with("delayed", terms);
    terms = {};
    terms.at = Time{SystemClock::instance().now().us + 3'600'000'000};
    publish_with("tomorrow", terms);
    terms = {};
    terms.repeat = "every 20ms";
    publish_with("again", terms);
    terms = {};
    terms.ttl = 1ms;
    publish_with("stale", terms);
    NewEvent broken;
    broken.type = "broken";
    broken.metadata = {{"$ttl", "soon"}};
    REQUIRE(node->local().append(Append::one("order-1", broken)));
    const Time published = SystemClock::instance().now();
    std::map<std::string, int> counts;
    std::mutex mutex;
    await([&] { return SystemClock::instance().now().us > published.us + 2000; });
    auto member = join(*consumers, "mailer", [&](const Work& work) -> WorkAnswer {
        const std::lock_guard lock(mutex);
        CHECK(work.attempt == 1);
        CHECK((work.event.type != "delayed" ||
               SystemClock::instance().now().us >= work.event.recorded_at.us + 100'000));
        const int count = ++counts[std::string(work.event.type)];
        return count == 5 ? WorkAnswer(SkipWork{}) : WorkAnswer(AckWork{});
    });
    await([&] { return consumers->show("mailer")->done == 3; });
    const auto status = consumers->show("mailer");
    CHECK(status->waiting == 1);
    CHECK(status->expired == 1);
    CHECK(status->skipped == 1);
    CHECK(status->parked == 1);
    CHECK(consumers->parked("mailer", std::nullopt, 10)->front().reason.find("$ttl") !=
          std::string::npos);
    const std::lock_guard lock(mutex);
    CHECK(counts == std::map<std::string, int>{{"again", 5}, {"delayed", 1}});
}

TEST_CASE("consumers: a handler that asks for more time keeps its event", "[broker]") {
    TempDirectory directory;
    auto node = start(options_of(directory));
    auto consumers = consumers_of(*node);
    ConsumerSettings settings = settings_of("mailer");
    settings.ack_timeout = 50ms;
    REQUIRE(consumers->create(settings));
    publish(node->local(), "order-1", 1);
    Gate gate;
    auto member = join(*consumers, "mailer", [&](const Work& work) -> WorkAnswer {
        work.extend(1h);
        gate.pass();
        return AckWork{};
    });
    gate.wait_for(1);
    const Monotonic begun = SystemClock::instance().monotonic();
    await([&] {
        REQUIRE(consumers->show("mailer"));
        return SystemClock::instance().monotonic() - begun > 200ms;
    });
    CHECK(consumers->show("mailer")->failures == 0);
    CHECK(consumers->show("mailer")->in_flight == 1);
    gate.open();
    await([&] { return consumers->show("mailer")->done == 1; });
    CHECK(consumers->show("mailer")->failures == 0);
}

}  // namespace skald
