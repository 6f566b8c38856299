// skald consumer and skald sub --group with a node.
#include <catch2/catch.hpp>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>

#include "skald/store.h"
#include "tests/cli/harness.h"
#include "tests/cli/node_of_test.h"

namespace skald::cli {
namespace {

using nlohmann::json;

class NodeDesk {
  public:
    NodeDesk() {
        harness_.backends.connect = connect;
        harness_.backends.connect_consumers = connect_consumers;
    }

    Ran run(std::vector<std::string> words) {
        words.insert(words.end(), {"--server", node_->endpoints().front()});
        return harness_.run(std::move(words));
    }
    // The same, which is to go well.
    std::string out(std::vector<std::string> words) {
        const Ran ran = run(std::move(words));
        INFO(ran.err);
        CHECK(ran.status == 0);
        return ran.out;
    }
    int create(const std::string& settings) {
        const std::string path = directory_.path("c.toml");
        std::ofstream(path) << settings;
        return run({"consumer", "create", path}).status;
    }
    void publish(const std::string& stream, int number) {
        out({"pub", stream, "--type", "Placed", "--data", std::to_string(number)});
    }
    // What a member of the group prints until it has these many.
    std::vector<int> members_share(int count) {
        std::vector<int> numbers;
        for (const std::string& line : lines_of(
                 out({"sub", "--group", "billing", "--json", "--count", std::to_string(count)}))) {
            numbers.push_back(json::parse(line)["data"].get<int>());
        }
        return numbers;
    }
    json shown() { return json::parse(out({"consumer", "show", "billing", "--json"})); }
    // One event, by a member of this process.
    void park_next() {
        ClientOptions options;
        options.servers = node_->endpoints();
        auto consumers = connect_consumers(options);
        REQUIRE(consumers);
        std::promise<void> parked;
        auto member = (*consumers)->join("billing", [&](const Work&) -> WorkAnswer {
            parked.set_value();
            return ParkWork{"no such customer"};
        });
        REQUIRE(member);
        parked.get_future().wait();
    }

  private:
    const TempDirectory directory_;
    Harness harness_;
    const std::unique_ptr<Node> node_ = start_node(directory_);
};

using Numbers = std::vector<int>;

}  // namespace

TEST_CASE("consumer with a node: declared, shared, shown, deleted") {
    NodeDesk desk;
    desk.publish("order-1", 1);
    desk.publish("other-1", 2);
    const std::string settings = "name = \"billing\"\n[filter]\ncategory = \"order\"\n";
    CHECK(desk.create(settings) == 0);
    CHECK(desk.create(settings) == 0);
    CHECK(desk.create("name = \"billing\"") == 4);
    desk.publish("order-2", 3);
    desk.publish("order-1", 4);
    CHECK(desk.members_share(2) == Numbers{1, 3});
    CHECK(desk.members_share(1) == Numbers{4});
    CHECK(desk.shown()["done"] == 3);
    CHECK(lines_of(desk.out({"consumer", "ls"})).size() == 1);
    desk.out({"consumer", "pause", "billing"});
    CHECK(desk.shown()["paused"] == true);
    desk.out({"consumer", "resume", "billing"});
    CHECK(desk.shown()["paused"] == false);
    desk.out({"consumer", "delete", "billing"});
    CHECK(desk.run({"consumer", "show", "billing"}).status == 3);
    CHECK(desk.run({"sub", "--group", "billing"}).status == 3);
}

TEST_CASE("consumer with a node: what was put aside is listed, replayed, purged") {
    NodeDesk desk;
    REQUIRE(desk.create("name = \"billing\"") == 0);
    desk.publish("order-1", 1);
    desk.park_next();
    const auto lines = lines_of(desk.out({"consumer", "parked", "billing", "--json"}));
    REQUIRE(lines.size() == 1);
    const json parked = json::parse(lines[0]);
    CHECK(parked["stream"] == "order-1");
    CHECK(parked["reason"] == "no such customer");
    const std::string place = parked["place"];
    CHECK(desk.out({"consumer", "replay", "billing", "--place", place, "--json"}) ==
          "{\"replayed\":1}\n");
    CHECK(desk.members_share(1) == Numbers{1});
    desk.publish("order-1", 2);
    desk.park_next();
    CHECK(desk.out({"consumer", "purge", "billing"}) == "billing: 1 event purged\n");
    CHECK(desk.out({"consumer", "parked", "billing"}).empty());
    CHECK(desk.shown()["done"] == 2);
}

}  // namespace skald::cli
