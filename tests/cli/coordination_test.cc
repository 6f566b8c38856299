// skald elect, service and config over a node.
#include <catch2/catch.hpp>

#include "tests/cli/coord_desk.h"

namespace skald::cli {
namespace {

using nlohmann::json;

// A run that goes on until it is stopped.
class Running {
  public:
    Running(const CoordDesk& desk, CoordDesk::Words words)
        : stop_(StopSignal::create().value()), ran_(desk.begin(std::move(words), &stop_)) {}
    ~Running() { stop_.request(); }
    Ran end() {
        stop_.request();
        return ran_.get();
    }
    Ran await_end() { return ran_.get(); }

  private:
    const StopSignal stop_;
    std::future<Ran> ran_;
};

}  // namespace

TEST_CASE("skald elect: who campaigns leads, and others after it", "[cli]") {
    const CoordDesk desk;
    const auto leads = [&] {
        const auto all = desk.objects({"elect", "ls"});
        return all.empty() || all[0]["leader"].is_null()
                   ? std::string()
                   : all[0]["leader"]["value"].get<std::string>();
    };
    const auto candidates = [&] {
        const auto all = desk.objects({"elect", "ls"});
        return all.empty() ? 0 : all[0]["candidates"].get<int>();
    };
    Running first(desk, {"elect", "campaign", "e", "--value", "a", "--json"});
    await([&] { return leads() == "a"; });
    Running second(desk, {"elect", "campaign", "e", "--value", "b", "--priority", "-1"});
    Running observer(desk, {"elect", "observe", "e", "--json"});
    await([&] { return candidates() == 2; });
    CHECK(desk.out({"elect", "ls"}) == "e: a leads, term 1, 2 candidates\n");
    CHECK(desk.run({"elect", "resign", "e", "--by", "ann", "--reason", "rest"}).out ==
          "e: its leader is dismissed\n");
    await([&] { return leads() == "b"; });
    const Ran dismissed = first.await_end();
    CHECK(dismissed.status == 3);
    const auto said = CoordDesk::parsed(dismissed.out);
    REQUIRE(said.size() >= 2);
    CHECK((said[0]["term"] == 1 && said[0]["value"] == "a"));
    CHECK(said[1] == json{{"term", 1}, {"leads", false}});
    const Ran ended = second.end();
    CHECK(ended.status == 0);
    CHECK(ended.out.starts_with("term 2: b leads since "));
    await([&] { return leads().empty(); });

    const auto log = desk.objects({"elect", "log", "e"});
    REQUIRE(log.size() == 2);
    CHECK((log[0]["end"]["why"] == "dismissed" && log[0]["end"]["by"] == "ann"));
    CHECK(log[0]["end"]["reason"] == "rest");
    CHECK((log[1]["term"] == 2 && log[1]["priority"] == -1));
    CHECK(log[1]["end"]["why"] == "resigned");
    CHECK(desk.out({"elect", "log", "e"}).find(", dismissed at ") != std::string::npos);
    const auto observed = CoordDesk::parsed(observer.end().out);
    REQUIRE(observed.size() >= 2);
    CHECK(observed.back()["term"] == 2);
    CHECK(desk.out({"elect", "ls"}) == "e: nobody leads, 0 candidates\n");
    CHECK(desk.run({"elect", "resign", "e"}).status == 3);
}

TEST_CASE("skald elect: what is refused", "[cli]") {
    const CoordDesk desk;
    CHECK(desk.run({"elect", "campaign", "e", "--priority", "x"}).status == 2);
    CHECK(desk.run({"elect", "campaign", "e", "--ttl", "3s", "--heartbeat", "2s"}).status == 2);
    CHECK(desk.run({"elect", "campaign", "a/b"}).status == 2);
}

TEST_CASE("skald service: registered, discovered, gone", "[cli]") {
    const CoordDesk desk;
    const auto found = [&](CoordDesk::Words more) {
        CoordDesk::Words words{"service", "discover", "s", "--json"};
        words.insert(words.end(), more.begin(), more.end());
        return CoordDesk::parsed(desk.run(words).out);
    };
    Running watcher(desk, {"service", "watch", "s", "--json"});
    Running one(desk, {"service", "register", "s", "--id", "i1", "--endpoint", "tcp://a:1",
                       "--meta", "zone=a", "--meta", "v=2"});
    Running two(desk, {"service", "register", "s", "--id", "i2", "--endpoint", "tcp://b:1",
                       "--meta", "zone=b", "--json"});
    await([&] {
        return desk.run({"service", "discover", "s"}).out.find("i1") != std::string::npos &&
               desk.run({"service", "discover", "s"}).out.find("i2") != std::string::npos;
    });
    const auto all = found({});
    REQUIRE(all.size() == 2);
    CHECK((all[0]["id"] == "i1" && all[0]["endpoint"] == "tcp://a:1"));
    CHECK((all[0]["health"] == "healthy" && all[0]["reason"] == ""));
    CHECK(all[0]["metadata"] == json{{"zone", "a"}, {"v", "2"}});
    CHECK(all[0]["last_check"].is_null());
    const auto in_b = found({"--where", "zone=b"});
    REQUIRE(in_b.size() == 1);
    CHECK(in_b[0]["id"] == "i2");
    CHECK(desk.run({"service", "discover", "s", "--where", "zone=c"}).status == 3);
    CHECK(desk.run({"service", "discover", "other"}).status == 3);
    CHECK(desk.out({"service", "ls"}) == "s: 2 healthy, 0 unhealthy, 0 unknown\n");
    CHECK(desk.objects({"service", "ls"})[0]["healthy"] == 2);

    const Ran ended = one.end();
    CHECK(ended.status == 0);
    CHECK(ended.out == "s/i1: registered, until this program ends\n");
    CHECK(found({}).size() == 1);
    CHECK(desk.out({"service", "deregister", "s", "i2"}) == "s/i2: deregistered\n");
    CHECK(desk.run({"service", "deregister", "s", "i2"}).status == 3);
    CHECK(desk.run({"service", "discover", "s", "--all"}).status == 3);
    (void)two.end();
    const auto seen = CoordDesk::parsed(watcher.end().out);
    REQUIRE(!seen.empty());
    CHECK(seen.back()["service"] == "s");
}

TEST_CASE("skald service: a probe that fails makes it unhealthy", "[cli]") {
    CoordDesk desk;
    const std::string service = "answers";
    auto serving = desk.node().services().serve(
        service, [](const ServiceRequest&) -> Result<std::string> { return std::string(); });
    REQUIRE(serving);
    Running one(desk, {"service", "register", "s", "--id", "i", "--endpoint", "x", "--probe",
                       "request:" + service, "--interval", "100ms", "--probe-timeout", "100ms",
                       "--heartbeat", "100ms"});
    const auto health = [&] {
        const auto all =
            CoordDesk::parsed(desk.run({"service", "discover", "s", "--all", "--json"}).out);
        return all.size() != 1 || !all[0].contains("health") ? std::string()
                                                             : all[0]["health"].get<std::string>();
    };
    await([&] { return health() == "healthy"; });
    const auto well = desk.objects({"service", "discover", "s"});
    CHECK(well[0]["last_check"].is_string());
    CHECK(well[0]["response_us"].is_number());
    serving->reset();
    await([&] { return health() == "unhealthy"; });
    CHECK(desk.run({"service", "discover", "s"}).status == 3);
    CHECK(desk.out({"service", "discover", "s", "--all"}).find("(its check failed: ") !=
          std::string::npos);
    CHECK(desk.run({"service", "register", "s", "--endpoint", "x", "--probe", "ftp://a"}).status ==
          2);
    CHECK(desk.run({"service", "register", "s", "--endpoint", "x", "--meta", "a"}).status == 2);
}

TEST_CASE("skald config: values over defaults, declared, with their history", "[cli]") {
    const CoordDesk desk;
    CHECK(desk.out({"config", "declare", "s", "port", "--type", "integer", "--default", "80",
                    "--least", "1", "--most", "65535", "--description", "to listen on"}) ==
          "port: declared\n");
    CHECK(desk.out({"config", "types", "s"}) ==
          "port: integer, default 80, least 1, most 65535    # to listen on\n");
    CHECK(desk.objects({"config", "types", "s"})[0]["most"] == "65535");
    CHECK(desk.out({"config", "get", "s", "port"}) == "80\n");
    CHECK(desk.out({"config", "set", "*", "port", "90", "--by", "ann"}).starts_with("port = 90"));
    CHECK(desk.objects({"config", "get", "s", "port"})[0]["source"] == "defaults");
    const Ran bad = desk.run({"config", "set", "s", "port", "70000"});
    CHECK(bad.status == 2);
    CHECK(bad.err.find("at most 65535") != std::string::npos);
    CHECK(desk.run({"config", "set", "s", "port", "x"}).status == 2);
    CHECK(desk.out({"config", "get", "s", "port"}) == "90\n");

    Running watcher(desk, {"config", "watch", "s", "--json"});
    const auto set = desk.objects({"config", "set", "s", "port", "91", "--expect", "0"});
    const std::string revision = std::to_string(set.at(0)["revision"].get<std::uint64_t>());
    CHECK(desk.run({"config", "set", "s", "port", "92", "--expect", "1"}).status == 4);
    CHECK(desk.run({"config", "set", "s", "port", "92", "--expect", revision}).status == 0);
    const auto now = desk.objects({"config", "get", "s"});
    REQUIRE(now.size() == 1);
    CHECK((now[0]["value"] == "92" && now[0]["source"] == "service"));
    CHECK(desk.out({"config", "remove", "s", "port"}) == "port: removed\n");
    CHECK(desk.run({"config", "remove", "s", "port"}).status == 3);
    CHECK(desk.out({"config", "get", "s", "port"}) == "90\n");
    const auto history = desk.objects({"config", "history", "s", "port"});
    REQUIRE(history.size() == 3);
    CHECK((history[0]["value"] == "91" && history[1]["value"] == "92"));
    CHECK(history[2]["value"].is_null());
    CHECK(desk.out({"config", "history", "s", "port"}).find("(removed)") != std::string::npos);
    CHECK(desk.run({"config", "get", "s", "other"}).status == 3);
    const auto watched = CoordDesk::parsed(watcher.end().out);
    REQUIRE(!watched.empty());
    CHECK(watched[0]["key"] == "port");
}

}  // namespace skald::cli
