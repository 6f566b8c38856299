#include "cli/consumer_file.h"

#include <catch2/catch.hpp>

namespace skald::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string refusal(const std::string& text) {
    const auto settings = parse_consumer_file("c.toml", text);
    return settings ? "" : settings.error().message;
}

}  // namespace

TEST_CASE("consumer file: all there is") {
    const auto settings = parse_consumer_file("c.toml", R"(
name = "billing"
mode = "per_key"
key = "customer"
start = "@2026-01-31T08:00:00Z"
ack_timeout = "45s"
max_deliveries = 0
in_flight = 10

[filter]
category = "order"
types = ["Order*", "Paid"]
streams = "*-eu"

[backoff]
first = "250ms"
factor = 3
most = "5m"
jitter = 0.5

[queue]
max_count = 7
max_bytes = 5000000000
when_full = "drop_oldest"
)");
    REQUIRE(settings);
    ConsumerSettings wanted;
    wanted.name = "billing";
    wanted.mode = ConsumerMode::per_key;
    wanted.key = "customer";
    wanted.start = AtTime{*parse_time("2026-01-31T08:00:00Z")};
    wanted.selection = Selection::category("order");
    wanted.selection.types = {"Order*", "Paid"};
    wanted.selection.streams = {"*-eu"};
    wanted.ack_timeout = seconds(45);
    wanted.max_deliveries = 0;
    wanted.in_flight = 10;
    wanted.backoff = {milliseconds(250), 3, std::chrono::minutes(5), 0.5};
    wanted.queue = {7, 5'000'000'000, WhenFull::drop_oldest, seconds(5)};
    CHECK(*settings == wanted);
}

TEST_CASE("consumer file: what is left out is as it is by default") {
    ConsumerSettings wanted;
    wanted.name = "billing";
    CHECK(parse_consumer_file("c.toml", "name = \"billing\"").value() == wanted);
    const auto start = [](const std::string& text) {
        return parse_consumer_file("c.toml", "name = \"b\"\nstart = " + text).value().start;
    };
    CHECK(start("12") == Start(Offset{12}));
    CHECK(start("\"12\"") == Start(Offset{12}));
    CHECK(start("\"end\"") == Start(End{}));
    CHECK(start("\"beginning\"") == Start(Beginning{}));
    CHECK(parse_consumer_file("c.toml", "name = \"b\"\nbackoff = {first = \"0s\", factor = 1.5}")
              .value()
              .backoff == Backoff{milliseconds(0), 1.5, seconds(60), 0.1});
    CHECK(parse_consumer_file("c.toml", "name = \"b\"\nqueue = {}").value().queue ==
          QueueSettings{});
    const std::string waits = "name = \"b\"\nqueue = {when_full = \"wait\", max_wait = \"10m\"}";
    CHECK(
        parse_consumer_file("c.toml", waits).value().queue ==
        QueueSettings{1'000'000, std::uint64_t{1} << 30, WhenFull::wait, std::chrono::minutes(10)});
}

TEST_CASE("consumer file: what is wrong is said with its place") {
    const std::string name = "name = \"b\"\n";
    for (const auto& [text, message] : std::vector<std::pair<std::string, std::string>>{
             {"", "c.toml:1:1: `name` is missing: expected the consumer's name"},
             {"name = 3", "c.toml:1:8: `name` must be a string that is not empty, found 3"},
             {name + "mod = 3", "c.toml:2:1: unknown key `mod`: did you mean `mode`?"},
             {name + "mode = \"any\"",
              "c.toml:2:8: `mode` must be \"shared\", \"exclusive\" or \"per_key\", found the "
              "string \"any\""},
             {name + "key = \"a\"", "c.toml:2:7: `key` is for mode = \"per_key\""},
             {name + "start = -1", "c.toml:2:9: `start` must be"},
             {name + "start = \"\"", "c.toml:2:9: `start` must be"},
             {name + "start = \"now\"",
              "c.toml:2:9: `start` must be \"beginning\", \"end\", an offset, a position or "
              "\"@TIME\" (RFC 3339), found the string \"now\""},
             {name + "filter = 3", "c.toml:2:10: `filter` must be a table, found 3"},
             {name + "filter = {categories = \"a\"}", "c.toml:2:11: unknown key"},
             {name + "filter = {type = \"a\", stream = \"b\"}", "a filter has one of"},
             {name + "filter = {category = \"\"}", "`filter.category` must be a string that"},
             {name + "filter = {types = []}",
              "`filter.types` must be a string or a list of 1 to 64 strings"},
             {name + "ack_timeout = 30",
              "c.toml:2:15: `ack_timeout` must be a time from 10ms to 24h, as \"30s\", found 30"},
             {name + "ack_timeout = \"9ms\"", "`ack_timeout` must be a time from 10ms"},
             {name + "ack_timeout = \"25h\"", "`ack_timeout` must be a time from 10ms"},
             {name + "max_deliveries = -1", "`max_deliveries` must be an integer from 0 to"},
             {name + "in_flight = 0", "`in_flight` must be an integer from 1 to 16384, found 0"},
             {name + "backoff = {first = \"61s\"}", "longer than `backoff.most`"},
             {name + "backoff = {factor = 0.5}", "`backoff.factor` must be a number from 1 to 10"},
             {name + "backoff = {jitter = \"1\"}", "`backoff.jitter` must be a number from 0 to 1"},
             {name + "backoff = {last = 1}", "unknown key `backoff.last`"},
             {name + "queue = {max_count = 0}", "`queue.max_count` must be an integer from 1 to"},
             {name + "queue = {max_bytes = -1}", "`queue.max_bytes` must be an integer from 1 to"},
             {name + "queue = {when_full = \"waits\"}",
              "`queue.when_full` must be \"reject\", \"drop_oldest\" or \"wait\", found the "
              "string"},
             {name + "queue = {max_wait = \"601s\"}",
              "`queue.max_wait` must be a time from 1ms to 600s, as"},
             {name + "queue = {max = 1}", "unknown key `queue.max`"}}) {
        INFO(text);
        CHECK_THAT(refusal(text), Catch::Contains(message));
    }
}

}  // namespace skald::cli
