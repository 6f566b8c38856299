#include "coord/instance.h"

#include <rapidcheck/catch.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "coord/known_services.h"

namespace skald::coord {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

InstanceSettings shop() {
    InstanceSettings settings;
    settings.service = "shop";
    settings.id = "a";
    settings.endpoint = "10.0.0.1:80";
    settings.metadata = {{"zone", "north"}, {"said", "\"ja\"\n"}};
    return settings;
}

Entry entry(std::string key, std::string value = "") {
    return {std::move(key), std::move(value), {}, {}, 1, {}};
}

// Of the first key of an instance of the shop.
Entry instance_entry(const std::string& id, const InstanceSettings& settings) {
    const auto text = text_of(settings, Time{7});
    REQUIRE(text);
    return entry("/service/shop/" + id, *text);
}

Instance only(const std::vector<Entry>& entries) {
    const auto instances = instances_in("shop", entries);
    REQUIRE(instances.size() == 1);
    return instances.front();
}

bool is_refused(const InstanceSettings& settings) {
    const auto ok = check_instance(settings);
    return !ok && ok.error().code == Errc::invalid_argument;
}

}  // namespace

TEST_CASE("instance: its keys", "[coord]") {
    const InstanceKeys keys("shop", "a");
    CHECK(keys.instance == "/service/shop/a");
    CHECK(keys.alive == "/service/shop/a/alive");
    CHECK(keys.check == "/service/shop/a/check");
    const auto erased = erase(keys);
    REQUIRE(erased.size() == 3);
    CHECK(std::get<Erase>(erased[2]).keys == KeyRange::one(keys.check));
    CHECK(instances_of("shop").contains("/service/shop/z"));
    CHECK_FALSE(instances_of("shop").contains("/service/shops/z"));
    CHECK(instances_of_all().contains(keys.instance));
}

TEST_CASE("instance: its health is what its keys say", "[coord]") {
    InstanceSettings settings = shop();
    const Entry alive = entry("/service/shop/a/alive");
    const Entry good = entry("/service/shop/a/check", text_of(Check{Time{9}, 1500us, ""}));
    const Entry bad = entry("/service/shop/a/check", text_of(Check{Time{9}, 20us, "refused"}));

    Instance wanted{"shop", "a", settings.endpoint, settings.metadata, Health::healthy, "", Time{7},
                    {},     {}};
    CHECK(only({instance_entry("a", settings), alive}) == wanted);
    wanted.health = Health::unhealthy;
    wanted.reason = "not heard for 30s";
    CHECK(only({instance_entry("a", settings)}) == wanted);
    settings.liveness = 31500ms;
    CHECK(only({instance_entry("a", settings)}).reason == "not heard for 31500ms");

    settings.probe = Probe{Probe::Kind::tcp, "h:1", 1s, 1s};
    wanted.health = Health::unknown;
    wanted.reason = "its probe has not looked yet";
    CHECK(only({instance_entry("a", settings), alive}) == wanted);
    wanted.health = Health::healthy;
    wanted.reason = "";
    wanted.last_check = Time{9};
    wanted.response_time = 1500us;
    CHECK(only({instance_entry("a", settings), alive, good}) == wanted);
    wanted.health = Health::unhealthy;
    wanted.reason = "not heard for 31500ms";
    CHECK(only({instance_entry("a", settings), good}) == wanted);
    wanted.reason = "its check failed: refused";
    wanted.response_time.reset();
    CHECK(only({instance_entry("a", settings), alive, bad}) == wanted);
}

TEST_CASE("instance: what others wrote does no harm", "[coord]") {
    const Entry alive = entry("/service/shop/a/alive");
    const Instance empty{"shop", "a", "", {}, Health::healthy, "", Time{}, {}, {}};
    for (const char* text : {"", "no JSON", "[]", R"({"endpoint":1,"metadata":[2]})"}) {
        CHECK(only({entry("/service/shop/a", text), alive}) == empty);
    }
    const Instance some = only({entry("/service/shop/a", R"({"metadata":{"k":"v","n":1}})"), alive,
                                entry("/service/shop/a/other"), entry("/service/shop/a/alive/x")});
    CHECK(some.metadata == Metadata{{"k", "v"}});
    CHECK(instances_in("shop", {alive, entry("/service/shop/a/check")}).empty());
}

TEST_CASE("instance: a service's are those that have the first key, by id", "[coord]") {
    rc::prop("whatever keys there are, in whatever order", [] {
        const auto ids = Texts{"a", "a!", "a.b", "b", "~"};
        std::set<std::string> there;
        std::set<std::string> alive;
        std::vector<Entry> entries;
        for (const std::string& id : ids) {
            if (*rc::gen::arbitrary<bool>()) {
                there.insert(id);
                entries.push_back(entry("/service/shop/" + id, "{}"));
            }
            if (*rc::gen::arbitrary<bool>()) {
                alive.insert(id);
                entries.push_back(entry("/service/shop/" + id + "/alive"));
            }
        }
        std::rotate(entries.begin(),
                    entries.begin() + *rc::gen::inRange<std::ptrdiff_t>(
                                          0, static_cast<std::ptrdiff_t>(entries.size()) + 1),
                    entries.end());
        const auto instances = instances_in("shop", entries);
        RC_ASSERT(instances.size() == there.size());
        auto it = there.begin();
        for (const Instance& instance : instances) {
            RC_ASSERT(instance.id == *it++);
            RC_ASSERT((instance.health == Health::healthy) == alive.contains(instance.id));
        }
    });
}

TEST_CASE("instance: services are those that have instances", "[coord]") {
    CHECK(services_in({entry("/service/a!/x"), entry("/service/a!/x/alive"), entry("/service/a/x"),
                       entry("/service/a/y"), entry("/service/b/x/alive"),
                       entry("/service/none")}) == Texts{"a", "a!"});
}

TEST_CASE("instance: who is wanted", "[coord]") {
    Instance instance;
    instance.health = Health::healthy;
    instance.metadata = {{"a", "1"}, {"b", ""}};
    CHECK(wanted(instance, {{}, false}));
    CHECK(wanted(instance, {{{"a", "1"}, {"b", ""}}, false}));
    CHECK_FALSE(wanted(instance, {{{"a", "2"}}, true}));
    CHECK_FALSE(wanted(instance, {{{"a", "1"}, {"c", ""}}, true}));
    for (const Health health : {Health::unhealthy, Health::unknown}) {
        instance.health = health;
        CHECK_FALSE(wanted(instance, {{}, false}));
        CHECK(wanted(instance, {{{"a", "1"}}, true}));
    }
}

TEST_CASE("instance: whose its keys are", "[coord]") {
    const InstanceLeases mine{LeaseId{5}, LeaseId{6}};
    const auto on = [](std::uint64_t lease) {
        return std::optional(Entry{"k", "", {}, {}, 1, LeaseId{lease}});
    };
    CHECK(standing_of(on(5), on(6), mine) == Standing::sound);
    CHECK(standing_of(on(5), std::nullopt, mine) == Standing::unheard);
    CHECK(standing_of(on(5), on(4), mine) == Standing::unheard);
    CHECK(standing_of(std::nullopt, std::nullopt, mine) == Standing::absent);
    CHECK(standing_of(std::nullopt, on(6), mine) == Standing::absent);
    CHECK(standing_of(on(6), on(6), mine) == Standing::anothers);
    CHECK(standing_of(on(0), on(6), mine) == Standing::anothers);
}

TEST_CASE("instance: which checks are kept", "[coord]") {
    CheckNews news(10s);
    const Check good{Time{1}, 1us, ""};
    const Check bad{Time{1}, 1us, "refused"};
    CHECK(news.worth_telling(good, 100s));
    news.told(good, 100s);
    CHECK_FALSE(news.worth_telling(Check{Time{2}, 9us, ""}, 109s));
    CHECK(news.worth_telling(good, 110s));
    CHECK(news.worth_telling(bad, 100s));
    news.told(bad, 101s);
    CHECK_FALSE(news.worth_telling(bad, 110s));
    CHECK(news.worth_telling(Check{Time{1}, 1us, "late"}, 102s));
    news.forget();
    CHECK(news.worth_telling(bad, 102s));
}

TEST_CASE("instance: what is refused", "[coord]") {
    CHECK(check_instance(shop()));
    const auto refuses = [](auto change) {
        InstanceSettings settings = shop();
        change(settings);
        return is_refused(settings);
    };
    for (const std::string& name : {std::string("a/b"), std::string("\n"), std::string(121, 'n')}) {
        CHECK(refuses([&](InstanceSettings& s) { s.service = name; }));
        CHECK(refuses([&](InstanceSettings& s) { s.id = name; }));
    }
    CHECK(refuses([](InstanceSettings& s) { s.service = ""; }));
    CHECK_FALSE(refuses([](InstanceSettings& s) { s.id = ""; }));
    CHECK(refuses([](InstanceSettings& s) { s.endpoint = ""; }));
    CHECK(refuses([](InstanceSettings& s) { s.endpoint = std::string(513, 'e'); }));
    CHECK(refuses([](InstanceSettings& s) { s.metadata[""] = "v"; }));
    CHECK(refuses([](InstanceSettings& s) { s.metadata[std::string(129, 'k')] = "v"; }));
    CHECK(refuses([](InstanceSettings& s) { s.metadata["k"] = std::string(1025, 'v'); }));
    CHECK(refuses([](InstanceSettings& s) {
        for (int i = 0; i < 64; ++i) {
            s.metadata[std::to_string(i)] = "";
        }
    }));
    CHECK(refuses([](InstanceSettings& s) { s.heartbeat = 99ms; }));
    CHECK(refuses([](InstanceSettings& s) { s.heartbeat = 10001ms; }));
    CHECK(refuses([](InstanceSettings& s) { s.heartbeat = 100ms, s.liveness = 999ms; }));
    CHECK(refuses([](InstanceSettings& s) { s.liveness = 60001ms; }));
    CHECK(refuses([](InstanceSettings& s) { s.registration = 24h + 1ms; }));
    CHECK_FALSE(refuses([](InstanceSettings& s) {
        s.heartbeat = 8h;
        s.liveness = s.registration = 24h;
    }));
    const auto refuses_probe = [&](const Probe& probe) {
        return refuses([&](InstanceSettings& s) { s.probe = probe; });
    };
    CHECK_FALSE(refuses_probe({Probe::Kind::request, "t", 100ms, 10ms}));
    CHECK(refuses_probe({Probe::Kind::request, "", 100ms, 10ms}));
    CHECK(refuses_probe({Probe::Kind::request, std::string(513, 't'), 100ms, 10ms}));
    CHECK(refuses_probe({Probe::Kind::request, "t", 99ms, 10ms}));
    CHECK(refuses_probe({Probe::Kind::request, "t", 1h + 1ms, 10ms}));
    CHECK(refuses_probe({Probe::Kind::request, "t", 100ms, 9ms}));
    CHECK(refuses_probe({Probe::Kind::request, "t", 100ms, 101ms}));
}

TEST_CASE("instance: what does not fit into a value, or is no text, is refused", "[coord]") {
    InstanceSettings settings = shop();
    settings.metadata = {{"k", "\xff"}};
    CHECK(text_of(settings, Time{1}).error().code == Errc::invalid_argument);
    settings.metadata = {{"k", "\xc3\xa9"}};
    CHECK(text_of(settings, Time{1}));
    for (int i = 0; i < 63; ++i) {
        settings.metadata["k" + std::to_string(i)] = std::string(1024, '"');
    }
    CHECK(check_instance(settings));
    CHECK(text_of(settings, Time{1}).error().code == Errc::invalid_argument);
}

TEST_CASE("known services: what was heard last, and of how many", "[coord]") {
    KnownServices known(2);
    const auto instances = [](const char* id) {
        Instance instance;
        instance.id = id;
        return std::vector{instance};
    };
    CHECK_FALSE(known.recall("a"));
    known.still("a", 1s);
    CHECK_FALSE(known.recall("a"));
    known.remember("a", {instances("old"), 10s});
    known.remember("a", {instances("new"), 12s});
    known.remember("a", {instances("older"), 11s});
    CHECK(known.recall("a")->instances == instances("new"));
    CHECK(known.recall("a")->at == 12s);
    known.remember("b", {{}, 13s});
    CHECK(known.recall("b")->instances.empty());
    known.still("a", 14s);
    known.still("a", 9s);
    CHECK(known.recall("a")->at == 14s);
    known.remember("c", {{}, 15s});
    CHECK(known.recall("a"));
    CHECK_FALSE(known.recall("b"));
    known.remember("d", {{}, 1s});  // older than all
    CHECK_FALSE(known.recall("d"));
}

}  // namespace skald::coord
