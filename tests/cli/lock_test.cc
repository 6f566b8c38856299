// skald lock over a node and over a directory, and appends that carry a fence.
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <sstream>

#include "tests/cli/coord_desk.h"

namespace skald::cli {
namespace {

using nlohmann::json;

class LockDesk : public CoordDesk {
  public:
    // Those who hold or want the name, in their order.
    Words on(const std::string& name) const {
        Words all;
        for (const json& lock : objects({"lock", "ls"})) {
            if (lock["name"] == name) {
                all = lock["waiters"].get<Words>();
                all.insert(all.begin(), lock["owner"].get<std::string>());
            }
        }
        return all;
    }
    void await_on(const std::string& name, const Words& owners) const {
        await([&] { return on(name) == owners; });
    }
};

}  // namespace

TEST_CASE("skald lock run: the program has the lock, and its status is ours", "[cli]") {
    const LockDesk desk;
    const Ran ran = desk.run({"lock", "run", "n", "--owner", "a", "--", "sh", "-c",
                              "echo $SKALD_LOCK_NAME $SKALD_LOCK_TOKEN $SKALD_LOCK_FENCE > " +
                                  desk.path("env") + "; exit 7"});
    CHECK(ran.status == 7);
    CHECK(ran.err.empty());
    std::istringstream env(desk.text_of("env"));
    std::string name;
    std::string token;
    std::string fence;
    env >> name >> token >> fence;
    CHECK(name == "n");
    CHECK(std::stoull(token) > 0);
    CHECK(fence == "n:" + token);
    CHECK(desk.on("n").empty());

    CHECK(desk.run({"lock", "run", "n", "--", "sh", "-c", "kill -9 $$"}).status == 128 + SIGKILL);
    const Ran none = desk.run({"lock", "run", "n", "--", "/no/such/program"});
    CHECK(none.status == 3);
    CHECK(none.err.find("/no/such/program: No such file") != std::string::npos);
    CHECK(desk.on("n").empty());
    CHECK(desk.run({"lock", "run", "n"}).status == 2);
    CHECK(desk.run({"lock", "run", "a/b", "--", "true"}).status == 2);
}

TEST_CASE("skald lock run: others wait, or are refused", "[cli]") {
    const LockDesk desk;
    const std::string go = desk.path("go");
    auto first = desk.begin(
        {"lock", "run", "n", "--owner", "a", "--", "sh", "-c",
         "while [ ! -e " + go + " ]; do sleep 0.01; done; echo a >> " + desk.path("out")});
    desk.await_on("n", {"a"});
    const Ran refused = desk.run({"lock", "run", "n", "--", "true"});
    CHECK(refused.status == 5);
    CHECK(refused.err.find("wanted by a already") != std::string::npos);
    CHECK(desk.run({"lock", "run", "n", "--wait", "50ms", "--", "true"}).status == 6);
    auto second = desk.begin({"lock", "run", "n", "--owner", "b", "--wait", "1m", "--", "sh", "-c",
                              "echo b >> " + desk.path("out")});
    desk.await_on("n", {"a", "b"});
    const std::string shown = desk.run({"lock", "ls"}).out;
    CHECK(shown.starts_with("n: held by a for "));
    CHECK(shown.find("; waiting: b") != std::string::npos);
    std::ofstream(go).flush();
    CHECK(first.get().status == 0);
    CHECK(second.get().status == 0);
    CHECK(desk.text_of("out") == "a\nb\n");
}

TEST_CASE("skald lock break: the holder's program ends", "[cli]") {
    const LockDesk desk;
    CHECK(desk.run({"lock", "break", "n", "--reason", "why"}).status == 3);
    CHECK(desk.run({"lock", "break", "n"}).status == 2);
    SECTION("on being asked") {
        auto held = desk.begin({"lock", "run", "n", "--owner", "a", "--", "sleep", "1000"});
        desk.await_on("n", {"a"});
        CHECK(desk.run({"lock", "break", "n", "--reason", "it hangs", "--by", "ann"}).out ==
              "n: taken away from its holder\n");
        const Ran ran = held.get();
        CHECK(ran.status == 4);
        CHECK(ran.err.find("the lock n was lost while sleep ran") != std::string::npos);
    }
    SECTION("or else") {
        auto held = desk.begin({"lock", "run", "n", "--owner", "a", "--ttl", "1s", "--", "sh", "-c",
                                "trap '' TERM; exec sleep 1000"});
        desk.await_on("n", {"a"});
        CHECK(desk.run({"lock", "break", "n", "--reason", "it hangs", "--by", "ann"}).status == 0);
        CHECK(held.get().status == 4);
    }
    const json broken = json::parse(desk.run({"lock", "breaks", "--json"}).out);
    CHECK((broken["name"] == "n" && broken["owner"] == "a" && broken["by"] == "ann"));
    CHECK(broken["reason"] == "it hangs");
    CHECK(desk.run({"lock", "breaks"}).out.starts_with("n: ann took it from a at "));
}

TEST_CASE("skald lock: on a directory", "[cli]") {
    LockDesk desk;
    REQUIRE(desk.run({"lock", "run", "n", "--", "true"}).status == 0);
    Harness harness;
    harness.backends.info = directory_info;
    const std::string data = desk.path("d");
    const Ran open = harness.run({"lock", "ls", "--data", data});
    CHECK(open.status == 4);  // the node's
    desk.stop_node();
    CHECK(harness.run({"lock", "run", "n", "--data", data, "--", "false"}).status == 1);
    CHECK(harness.run({"lock", "ls", "--data", data}).out.empty());
    const Ran none = harness.run({"lock", "ls", "--data", desk.path("other")});
    CHECK(none.status == 3);
    CHECK_FALSE(std::filesystem::exists(desk.path("other")));
}

TEST_CASE("skald pub --fence: behind a later holder it is refused", "[cli]") {
    const LockDesk desk;
    const auto publish = [&](const std::string& fence) {
        return desk.run({"pub", "s", "--type", "T", "--fence", fence});
    };
    CHECK(publish("a:b:7").status == 0);
    CHECK(publish("a:b:8").status == 0);
    const Ran fenced = publish("a:b:7");
    CHECK(fenced.status == 4);
    CHECK(fenced.err.find("a:b") != std::string::npos);
    CHECK(publish("other:1").status == 0);
    for (const char* bad : {"a", "a:", ":7", "a:-1", "a:7x", ""}) {
        const Ran refused = publish(bad);
        CHECK(refused.status == 2);
        CHECK(refused.err.find("not NAME:TOKEN") != std::string::npos);
    }
}

}  // namespace skald::cli
