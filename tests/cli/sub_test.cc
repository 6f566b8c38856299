#include "cli/commands/sub.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "tests/cli/harness.h"

namespace skald::cli {
namespace {

using nlohmann::json;

void fill(Harness& harness, int events) {
    std::string input;
    for (int i = 0; i < events; ++i) {
        input += R"({"stream":"o-)" + std::to_string(i % 2) + R"(","type":")" +
                 (i % 2 == 0 ? "Placed" : "Paid") + R"(","data":)" + std::to_string(i) + "}\n";
    }
    REQUIRE(harness.run({"import", "--data", "d"}, input).status == 0);
}

std::vector<int> data_of(const std::string& out) {
    std::vector<int> numbers;
    for (const std::string& line : lines_of(out)) {
        numbers.push_back(json::parse(line)["data"].get<int>());
    }
    return numbers;
}

using Numbers = std::vector<int>;

// For calls of follow() while events come.
struct Screen {
    explicit Screen(Harness& harness)
        : console{.in = in,
                  .out = out,
                  .err = err,
                  .environment = {},
                  .clock = harness.clock,
                  .stop = stop} {}

    MemorySource in{""};
    std::ostringstream out;
    std::ostringstream err;
    StopSignal stop = StopSignal::create().value();
    Console console;
};

}  // namespace

TEST_CASE("sub: up to a count, or until all was printed") {
    Harness harness;
    fill(harness, 6);
    const Ran counted = harness.run({"sub", "--count", "4", "--data", "d"});
    CHECK(counted.status == 0);
    CHECK(counted.err.empty());
    CHECK(data_of(counted.out) == Numbers{0, 1, 2, 3});
    const Ran all = harness.run({"sub", "--until-caught-up", "--data", "d"});
    CHECK(all.status == 0);
    CHECK(data_of(all.out) == Numbers{0, 1, 2, 3, 4, 5});
    CHECK(harness.run({"sub", "--count", "0", "--data", "d"}).status == 2);
}

TEST_CASE("sub: filters and places to begin") {
    Harness harness;
    fill(harness, 6);
    const auto caught_up = [&harness](std::vector<std::string> words) {
        words.insert(words.begin(), "sub");
        words.insert(words.end(), {"--until-caught-up", "--data", "d"});
        return data_of(harness.run(words).out);
    };
    CHECK(caught_up({"o-1"}) == Numbers{1, 3, 5});
    CHECK(caught_up({"--category", "o", "--type", "P*d"}) == Numbers{0, 1, 2, 3, 4, 5});
    CHECK(caught_up({"--type", "Paid", "--type", "Refunded"}) == Numbers{1, 3, 5});
    CHECK(caught_up({"--stream", "*-0", "--from", "2"}) == Numbers{2, 4});
    CHECK(caught_up({"--from", "end"}).empty());
}

TEST_CASE("sub: prints live events as they come, and a stop ends it with 0") {
    Harness harness;
    SmallStore& store = harness.store();
    Screen screen(harness);
    Globals globals;
    globals.json = true;
    const Invocation invocation{screen.console, globals, harness.backends};
    SubOptions options;
    options.count = 2;
    Result<void> followed = Error(Errc::io_error, "not run");
    {
        std::jthread follower([&] { followed = follow(store, options, invocation); });
        REQUIRE(harness.run({"pub", "s", "--type", "T", "--data", "1", "--dir", "d"}).status == 0);
        REQUIRE(harness.run({"pub", "s", "--type", "T", "--data", "2", "--dir", "d"}).status == 0);
    }
    CHECK(followed);
    CHECK(data_of(screen.out.str()) == Numbers{1, 2});

    options.count.reset();
    {
        std::jthread follower([&] { followed = follow(store, options, invocation); });
        screen.stop.request();
    }
    CHECK(followed);
}

namespace {

// What `sub` prints of two ephemeral events with seven dropped between them and a third behind.
std::string follow_ephemeral(bool as_json) {
    Harness harness;
    SmallStore& store = harness.store();
    Screen screen(harness);
    Globals globals;
    globals.json = as_json;
    globals.text = !as_json;
    const Invocation invocation{screen.console, globals, harness.backends};
    SubOptions options;
    options.count = 2;
    Result<void> followed = Error(Errc::io_error, "not run");
    {
        std::jthread follower([&] { followed = follow(store, options, invocation); });
        store.wait_until_followed();
        NewEvent event;
        event.type = "typing";
        event.data = "1";
        event.time = Time{1'700'000'000'000'000};
        REQUIRE(store.publish_ephemeral("chat-1", event));
        store.drop_ephemeral(7);
        REQUIRE(store.publish_ephemeral("chat-1", event));
        REQUIRE(store.publish_ephemeral("chat-1", event));
    }
    CHECK(followed);
    CHECK(screen.err.str().empty());
    return screen.out.str();
}

}  // namespace

TEST_CASE("sub: ephemeral events have no place, count, and those dropped are named") {
    const std::vector<std::string> lines = lines_of(follow_ephemeral(true));
    REQUIRE(lines.size() == 3);
    const json event = json::parse(lines[0]);
    CHECK(event["ephemeral"] == true);
    CHECK(event["stream"] == "chat-1");
    CHECK(event["data"] == 1);
    CHECK(event["time"] == "2023-11-14T22:13:20.000000Z");
    for (const char* stored : {"version", "partition", "offset", "recorded_at"}) {
        CHECK_FALSE(event.contains(stored));
    }
    CHECK(json::parse(lines[1]) == json{{"dropped", 7}});
    CHECK(json::parse(lines[2]) == event);
    CHECK(lines_of(follow_ephemeral(false)) ==
          std::vector<std::string>{"chat-1~ephemeral  typing  2023-11-14T22:13:20.000000Z  1",
                                   "-- 7 ephemeral events dropped",
                                   "chat-1~ephemeral  typing  2023-11-14T22:13:20.000000Z  1"});
}

TEST_CASE("sub: the end of a subscription is an error that says where to go on") {
    Harness harness;
    fill(harness, 3);
    harness.store().end_subscriptions(Error(Errc::connection_lost, "the server went away"));
    const Ran ran = harness.run({"sub", "--data", "d"});
    CHECK(ran.status == 5);
    CHECK(data_of(ran.out) == Numbers{0, 1, 2});
    const std::string head = "skald: sub: the server went away; go on with --from ";
    REQUIRE(ran.err.starts_with(head));
    const auto position =
        parse_position(ran.err.substr(head.size(), ran.err.size() - head.size() - 1));
    REQUIRE(position);
    CHECK(position->partitions[0].next == Offset(3));
}

}  // namespace skald::cli
