// skald consumer and skald sub --group, and the file that declares a consumer.
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "tests/cli/harness.h"

namespace skald::cli {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

// What a test says they are, and what they were asked.
struct Told {
    std::vector<std::string> asked;
    std::map<std::string, ConsumerStatus> consumers;
    std::vector<ParkedEvent> parked;
    std::uint64_t count = 2;
    std::vector<std::string> events;  // data, of the group
    std::vector<std::size_t> answers;
    std::uint32_t in_flight = 0;
    std::optional<Error> ended;
};

class FakeMember final : public Member {
  public:
    explicit FakeMember(std::optional<Error> ended) : ended_(std::move(ended)) {}
    Result<void> drain() override { return {}; }
    std::optional<Error> ended() const override { return ended_; }

  private:
    const std::optional<Error> ended_;
};

class FakeConsumers final : public Consumers {
  public:
    explicit FakeConsumers(Told& told) : told_(told) {}

    Result<void> create(const ConsumerSettings& settings) override {
        if (told_.consumers.contains(settings.name)) {
            return Error(Errc::already_exists, settings.name + ": there is one");
        }
        return put("create", settings);
    }
    Result<void> edit(const ConsumerSettings& settings) override { return put("edit", settings); }
    Result<void> pause(std::string_view name) override { return ask("pause", name); }
    Result<void> resume(std::string_view name) override { return ask("resume", name); }
    Result<void> remove(std::string_view name) override { return ask("remove", name); }
    Result<std::vector<ConsumerStatus>> list() override {
        std::vector<ConsumerStatus> all;
        for (const auto& [name, status] : told_.consumers) {
            all.push_back(status);
        }
        return all;
    }
    Result<ConsumerStatus> show(std::string_view name) override {
        if (auto ok = ask("show", name); !ok) {
            return ok.error();
        }
        return told_.consumers.at(std::string(name));
    }
    Result<std::vector<ParkedEvent>> parked(std::string_view name, std::optional<Place> after,
                                            std::uint32_t limit) override {
        if (auto ok = ask("parked", name, after ? after->offset.value + 1 : 0, limit); !ok) {
            return ok.error();
        }
        std::vector<ParkedEvent> page;
        for (const ParkedEvent& event : told_.parked) {
            if (page.size() < limit && (!after || *after < event.place)) {
                page.push_back(event);
            }
        }
        return page;
    }
    Result<std::uint64_t> replay(std::string_view name, std::uint64_t count) override {
        auto ok = ask("replay", name, count);
        return ok ? Result<std::uint64_t>(told_.count) : ok.error();
    }
    Result<std::uint64_t> replay_one(std::string_view name, Place place) override {
        auto ok = ask("replay_one", name, place.partition.value, place.offset.value);
        return ok ? Result<std::uint64_t>(1) : ok.error();
    }
    Result<std::uint64_t> purge(std::string_view name) override {
        auto ok = ask("purge", name);
        return ok ? Result<std::uint64_t>(told_.count) : ok.error();
    }
    Result<std::unique_ptr<Member>> join(std::string_view name, WorkHandler handler,
                                         const MemberOptions& options) override {
        if (auto ok = ask("join", name); !ok) {
            return ok.error();
        }
        told_.in_flight = options.in_flight;
        for (const std::string& data : told_.events) {
            EventView event;
            event.stream = "s";
            event.type = "t";
            event.data = data;
            told_.answers.push_back(handler(Work{event, 1, 0, {}}).index());
        }
        return std::unique_ptr<Member>(std::make_unique<FakeMember>(told_.ended));
    }

  private:
    template <typename... Numbers>
    Result<void> ask(const std::string& what, std::string_view name, Numbers... numbers) {
        std::string words = what + " " + std::string(name);
        ((words += " " + std::to_string(numbers)), ...);
        told_.asked.push_back(words);
        return told_.consumers.contains(std::string(name))
                   ? Result<void>()
                   : Error(Errc::not_found, "no such consumer");
    }
    Result<void> put(const std::string& what, const ConsumerSettings& settings) {
        told_.consumers[settings.name].settings = settings;
        return ask(what, settings.name);
    }

    Told& told_;
};

struct Desk {
    Desk() {
        harness.backends.connect_consumers = [this](const ClientOptions&) {
            return Result<std::unique_ptr<Consumers>>(std::make_unique<FakeConsumers>(told));
        };
        told.consumers["billing"].settings.name = "billing";
    }
    Ran run(std::vector<std::string> words) {
        words.insert(words.begin(), "consumer");
        return harness.run(std::move(words));
    }
    // That this is asked for by these words, and nothing else.
    void check(std::vector<std::string> words, const std::string& asked, const std::string& said) {
        told.asked.clear();
        const Ran ran = run(std::move(words));
        CHECK(ran.status == 0);
        CHECK(ran.out == said);
        CHECK(told.asked == std::vector<std::string>{asked});
    }
    std::string file(const std::string& text) {
        const std::string path = directory.path("c.toml");
        std::ofstream(path) << text;
        return path;
    }

    const TempDirectory directory;
    Told told;
    Harness harness;
};

ParkedEvent parked_at(std::uint64_t offset) {
    return {Place{Partition{0}, Offset{offset}}, "order-1", "Placed", "no such customer", 5,
            Time{1'767'225'600'000'000},         false};
}

}  // namespace

TEST_CASE("consumer: what it asks for") {
    Desk desk;
    desk.check({"pause", "billing"}, "pause billing", "billing: paused\n");
    desk.check({"resume", "billing"}, "resume billing", "billing: resumed\n");
    desk.check({"delete", "billing"}, "remove billing", "billing: deleted\n");
    desk.check({"purge", "billing"}, "purge billing", "billing: 2 events purged\n");
    desk.check({"replay", "billing", "--count", "3"}, "replay billing 3",
               "billing: 2 events replayed\n");
    desk.check({"replay", "billing"}, "replay billing 18446744073709551615",
               "billing: 2 events replayed\n");
    desk.check({"replay", "billing", "--place", "1:17"}, "replay_one billing 1 17",
               "billing: 1 event replayed\n");
    desk.check({"purge", "billing", "--json"}, "purge billing", "{\"purged\":2}\n");
    desk.check({"pause", "billing", "--json"}, "pause billing", "");
    desk.check({"pause", "billing", "-q"}, "pause billing", "");
}

TEST_CASE("consumer: exit statuses") {
    Desk desk;
    CHECK(desk.run({"show", "orders"}).status == 3);
    CHECK(desk.run({"replay", "orders"}).status == 3);
    CHECK(desk.run({"create", desk.file("name = \"billing\"")}).status == 4);
    CHECK(desk.run({"create", desk.file("name = 3")}).status == 2);
    CHECK(desk.run({"create", desk.directory.path("none.toml")}).status == 3);
    for (const char* bad : {"17", "x:1", "1:", ":1", "1:2x", "70000:1"}) {
        CHECK(desk.run({"replay", "billing", "--place", bad}).status == 2);
    }
    CHECK(desk.run({"replay", "billing", "--place", "0:1", "--count", "1"}).status == 2);
}

TEST_CASE("consumer: create, edit and show") {
    Desk desk;
    const Ran created = desk.run({"create", desk.file("name = \"orders\"\nmode = \"exclusive\"")});
    CHECK(created.out == "orders: created\n");
    const Ran edited =
        desk.run({"edit", desk.file("name = \"orders\"\nack_timeout = \"5s\""), "--json"});
    REQUIRE(edited.status == 0);
    CHECK(json::parse(edited.out)["settings"]["ack_timeout_seconds"] == 5);

    ConsumerStatus& status = desk.told.consumers["orders"];
    status.paused = true;
    status.done = 12;
    status.oldest = Time{1'767'225'600'000'000};
    status.members = {{"a\x1b", 3, 4, true}, {"b", 0, 0, false}};
    status.member_count = 2;
    status.expired = 3;
    status.settings.queue = {10, std::uint64_t{1} << 30, WhenFull::drop_oldest,
                             std::chrono::seconds(5)};
    status.queue_count = 7;
    status.queue_bytes = 900;
    status.in_rate = 10;
    status.out_rate = 20;
    status.drain_seconds = 7.4;
    status.settings.selection = Selection::category("order");
    status.settings.selection.types = {"Order*"};
    const Ran shown = desk.run({"show", "orders"});
    CHECK_THAT(shown.out, Catch::StartsWith("orders  paused  shared  2 members  0 in flight"));
    CHECK_THAT(shown.out, Catch::Contains("\n    category order, types Order*, from beginning\n"));
    CHECK_THAT(shown.out, Catch::Contains("a queue: 7 of at most 10 events, 900 of 1073741824 "
                                          "bytes; when full it drops the oldest\n"));
    CHECK_THAT(shown.out, Catch::Contains("ack timeout 5s, 5 deliveries, backoff 1s times 2"));
    CHECK_THAT(shown.out, Catch::Contains("2026-01-01T00:00:00"));
    CHECK_THAT(shown.out,
               Catch::Contains("\n    0 skipped, 3 expired, 0 dropped, 0 deliveries failed\n"
                               "    10/s come, 20/s done, nothing left in 7 s\n"));
    CHECK_THAT(shown.out, Catch::Contains("member b  0 in flight  0 delivered  stands by"));
    CHECK(shown.out.find('\x1b') == std::string::npos);

    const json as_json = json::parse(desk.run({"show", "orders", "--json"}).out);
    CHECK((as_json["name"] == "orders" && as_json["paused"] == true));
    CHECK((as_json["done"] == 12 && as_json["expired"] == 3 && as_json["drain_seconds"] == 7.4));
    CHECK(as_json["oldest"] == "2026-01-01T00:00:00.000000Z");
    CHECK(as_json["members"][0]["delivered"] == 4);
    CHECK(as_json["settings"]["filter"]["category"] == "order");
    CHECK(as_json["settings"]["filter"]["types"] == json::array({"Order*"}));
    CHECK(as_json["settings"]["start"] == "beginning");
    CHECK(as_json["queue"] == json::parse(R"({"count": 7, "bytes": 900, "max_count": 10,
                                              "max_bytes": 1073741824,
                                              "when_full": "drop_oldest",
                                              "max_wait_seconds": 5.0})"));
    status.settings.queue->when_full = WhenFull::wait;
    CHECK_THAT(desk.run({"show", "orders"}).out,
               Catch::Contains("when full it lets wait, for 5s\n"));
}

TEST_CASE("consumer: lists, one line each") {
    Desk desk;
    desk.told.consumers["orders"].settings.name = "orders";
    const auto lines = lines_of(desk.run({"ls"}).out);
    REQUIRE(lines.size() == 2);
    CHECK_THAT(lines[0], Catch::StartsWith("billing  shared  0 members"));
    const auto objects = lines_of(desk.run({"ls", "--json"}).out);
    REQUIRE(objects.size() == 2);
    CHECK(json::parse(objects[1])["name"] == "orders");
}

TEST_CASE("consumer: parked events, page by page") {
    Desk desk;
    for (std::uint64_t i = 0; i < 2 * limits::kListMax; ++i) {
        desk.told.parked.push_back(parked_at(i));
    }
    desk.told.parked[1].follower = true;
    const auto lines = lines_of(desk.run({"parked", "billing", "--limit", "1500"}).out);
    REQUIRE(lines.size() == 1500);
    CHECK(lines[0] == "0:0  order-1  Placed  5 deliveries  no such customer");
    CHECK(lines[1] == "0:1  order-1  Placed  5 deliveries  waits behind another");
    CHECK(desk.told.asked ==
          std::vector<std::string>{"parked billing 0 1000", "parked billing 1000 500"});
    CHECK(lines_of(desk.run({"parked", "billing"}).out).size() == 1000);
    const auto one = lines_of(desk.run({"parked", "billing", "--limit", "1", "--json"}).out);
    REQUIRE(one.size() == 1);
    CHECK(json::parse(one[0]) == json({{"place", "0:0"},
                                       {"partition", 0},
                                       {"offset", 0},
                                       {"stream", "order-1"},
                                       {"type", "Placed"},
                                       {"reason", "no such customer"},
                                       {"attempts", 5},
                                       {"at", "2026-01-01T00:00:00.000000Z"},
                                       {"follower", false}}));
}

TEST_CASE("sub --group: acknowledges what it printed") {
    Desk desk;
    desk.told.events = {"1", "2", "3"};
    const Ran ran = desk.harness.run({"sub", "--group", "billing", "--count", "2"});
    CHECK(ran.status == 0);
    const auto lines = lines_of(ran.out);
    REQUIRE(lines.size() == 2);
    CHECK(json::parse(lines[1])["data"] == 2);
    const std::size_t ack = WorkAnswer(AckWork{}).index();
    CHECK(desk.told.answers ==
          std::vector<std::size_t>{ack, ack, WorkAnswer(ReleaseWork{}).index()});
    CHECK(desk.told.in_flight == 2);
}

TEST_CASE("sub --group: ends with the member, and goes with no other choice of events") {
    Desk desk;
    desk.told.ended = Error(Errc::not_found, "it was deleted");
    const Ran ran = desk.harness.run({"sub", "--group", "billing"});
    CHECK(ran.status == 3);
    CHECK_THAT(ran.err, Catch::Contains("it was deleted"));
    CHECK(desk.harness.run({"sub", "--group", "orders"}).status == 3);
    for (const auto& words : std::vector<std::vector<std::string>>{{"order-1"},
                                                                   {"--all"},
                                                                   {"--category", "a"},
                                                                   {"--type", "a"},
                                                                   {"--stream", "a"},
                                                                   {"--from", "end"},
                                                                   {"--until-caught-up"},
                                                                   {"--data", "d"}}) {
        std::vector<std::string> all{"sub", "--group", "billing"};
        all.insert(all.end(), words.begin(), words.end());
        CHECK(desk.harness.run(all).status == 2);
    }
}

}  // namespace skald::cli
