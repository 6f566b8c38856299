#include "tests/coord/heard.h"
#include "tests/coord/registry_contract.h"
#include "tests/coord/registry_desk.h"

namespace skald::coord {
namespace {

using namespace registry_tests;

void probed(Desk& d) {
    InstanceSettings settings = shop();
    settings.probe = Probe{Probe::Kind::tcp, "h:1", 1s, 1s};
    d.looks.held = true;
    auto registration = d.enroll(settings);
    CHECK(d.only().health == Health::unknown);
    CHECK(d.only().reason == "its probe has not looked yet");
    CHECK(d.ids().empty());
    d.looks.held = false;
    await([&] { return d.only().health == Health::healthy; });
    CHECK(d.looks.target() == "h:1");
    Instance seen = d.only();
    CHECK(seen.reason.empty());
    CHECK(seen.last_check == d.clock.now());
    CHECK(seen.response_time == 5ms);

    d.looks.end_as(Error(Errc::unreachable, "Connection refused"));
    d.pass(1s);
    await([&] { return d.only().health == Health::unhealthy; });
    seen = d.only();
    CHECK(seen.reason == "its check failed: Connection refused");
    CHECK(seen.last_check == d.clock.now());
    CHECK_FALSE(seen.response_time);
    d.looks.end_as(Error(Errc::timed_out, ""));
    d.pass(1s);
    await([&] { return d.only().reason == "its check failed: timed_out"; });

    // What does not change is kept each heartbeat.
    const std::uint64_t version = d.entry("/service/shop/a/check").version;
    for (int i = 0; i < 8; ++i) {
        const int taken = d.looks.taken;
        d.pass(1s);
        await([&] { return d.looks.taken > taken; });
    }
    CHECK(d.entry("/service/shop/a/check").version == version);
    d.pass(2s);
    await([&] { return d.entry("/service/shop/a/check").version == version + 1; });

    REQUIRE(registration->deregister());
    CHECK(d.ids(kAll).empty());
    settings.id = "b";
    settings.probe->target = "h:2";
    const auto other = d.enroll(settings);
    for (int i = 0; i < 3; ++i) {
        const int taken = d.looks.taken;
        d.pass(1s);
        await([&] { return d.looks.taken > taken; });
        CHECK(d.looks.target() == "h:2");
    }
}

void probes_end(Desk& d) {
    InstanceSettings settings = shop();
    settings.probe = Probe{Probe::Kind::tcp, "h:1", 1s, 1s};
    d.looks.held = true;
    auto registration = d.enroll(settings);
    await([&] { return d.looks.begun == 1; });
    registration.reset();  // does not wait for a look that is being taken
    CHECK(d.ids(kAll).empty());
    await([&] { return d.looks.taken == 1; });
    CHECK(d.entry("/service/shop/a/check").key.empty());
}

void asked(Desk& d) {
    InstanceSettings settings = shop();
    settings.probe = Probe{Probe::Kind::request, "prices", 10s, 2s};
    CHECK(d.registry.enroll(settings).error().code == Errc::invalid_argument);
    std::atomic<bool> right{false};
    const RegistryOptions options{
        [&](const std::string& service, std::chrono::milliseconds time) -> Result<void> {
            right = service == "prices" && time == 2s;
            return Error(Errc::not_ready, "nobody serves prices");
        }};
    LeaseRegistry asking(*d.coord, options, d.clock, d.looks.look());
    const auto registration = asking.enroll(settings);
    REQUIRE(registration);
    await([&] { return d.only().health == Health::unhealthy; });
    CHECK(d.only().reason == "its check failed: nobody serves prices");
    CHECK(right);
    CHECK(d.looks.taken == 0);
}

void out_of_reach(Desk& d) {
    InstanceSettings settings = shop();
    settings.metadata = {{"zone", "north"}};
    const auto first = d.enroll(settings);
    const auto second = d.enroll(shop("b"));
    settings.id = "c";
    settings.probe = Probe{Probe::Kind::tcp, "h:1", 1h, 1s};
    d.looks.held = true;
    const auto third = d.enroll(settings);
    REQUIRE(d.registry.discover("shop", {{{"no", "such"}}, false}));
    for (const Errc code : {Errc::unreachable, Errc::not_ready, Errc::timed_out}) {
        d.between.fail(Error(code, "away"));
        d.clock.advance(1500ms);
        const auto last = d.registry.discover("shop", kAll);
        REQUIRE(last);
        CHECK(last->age == 1500ms);
        REQUIRE(last->instances.size() == 3);
        for (const Instance& instance : last->instances) {
            CHECK(instance.health == Health::unknown);
            CHECK(instance.reason == "the registry is out of reach");
        }
        CHECK(last->instances.front().endpoint == "h:1");
        // Who was healthy then.
        CHECK(d.ids() == Texts{"a", "b"});
        CHECK(d.ids({{{"zone", "north"}}, false}) == Texts{"a"});
        CHECK(d.registry.discover("bank", kAll).error().code == code);
        d.between.fail({});
        CHECK(d.registry.discover("shop")->age == 0ms);
        CHECK(d.ids() == Texts{"a", "b"});
    }
    d.between.fail(Error(Errc::store_failed, "broken"));
    CHECK(d.registry.discover("shop").error().code == Errc::store_failed);
    d.between.fail({});
    d.looks.held = false;
}

class HeardInstances : public Heard {
  public:
    RegistryHandler handler() {
        return {[this](const std::vector<Instance>& instances) {
                    std::string text;
                    for (const Instance& instance : instances) {
                        text += text.empty() ? "" : " ";
                        text += instance.id + "=" + instance.endpoint;
                        text += instance.health == Health::healthy ? "" : "!";
                    }
                    add(text);
                },
                [this](bool away) { add(away ? "away" : "back"); }};
    }
};

void watched(Desk& d) {
    HeardInstances heard;
    auto first = d.enroll(shop("b", "h:1"));
    auto watch = d.registry.watch("shop", heard.handler());
    REQUIRE(watch);
    CHECK(heard.until("b=h:1") == Texts{"b=h:1"});
    auto second = d.enroll(shop("a", "h:2"));
    CHECK(heard.until("a=h:2 b=h:1").size() == 1);
    REQUIRE(second->update("h:3", {}));
    CHECK(heard.until("a=h:3 b=h:1").size() == 1);
    InstanceSettings other = shop();
    other.service = "shops";
    const auto another = d.enroll(other);
    first.reset();
    CHECK(heard.until("a=h:3").size() == 1);
    d.factory.pass(*d.coord, 30s);
    CHECK(heard.until("a=h:3!").size() == 1);
    d.pass(10s);
    CHECK(heard.until("a=h:3").size() == 1);
    watch->reset();
    second.reset();
    CHECK(d.ids().empty());
    CHECK(d.registry.watch("a/b", heard.handler()).error().code == Errc::invalid_argument);
    REQUIRE(d.registry.watch("shop", {}));
}

void watch_goes_on(Desk& d) {
    HeardInstances heard;
    auto first = d.enroll(shop());
    const auto watch = d.registry.watch("shop", heard.handler());
    REQUIRE(watch);
    heard.until("a=h:1");
    d.clock.advance(1h);
    d.between.fail(kAway);
    d.between.end_watches(WatchEnd::lost);
    heard.until("away");
    d.clock.advance(3s);
    // It was so until the store was away.
    const auto last = d.registry.discover("shop");
    REQUIRE(last);
    CHECK(last->age == 3s);
    CHECK(last->instances.size() == 1);
    d.between.fail({});
    // Nothing has changed.
    CHECK(heard.until("back") == Texts{"back"});
    first.reset();
    CHECK(heard.until("") == Texts{""});
}

void watch_asks(Desk& d) {
    std::atomic<int> seen{0};
    const auto registration = d.enroll(shop());
    const auto watch = d.registry.watch("shop", {[&](const std::vector<Instance>&) {
                                                     const auto found = d.registry.discover("shop");
                                                     seen += found ? 1 : 0;
                                                 },
                                                 {}});
    REQUIRE(watch);
    await([&] { return seen == 1; });
    REQUIRE(registration->update("h:2", {}));
    await([&] { return seen == 2; });
}

}  // namespace

void run_registry_view_contract(CoordFactory& factory) {
    run_sections<Desk>(factory,
                       {{"health is what its probe sees", probed},
                        {"nothing is waited for, or kept, of a look at what has left", probes_end},
                        {"a probe may ask a service", asked},
                        {"out of reach, what was known last is told", out_of_reach},
                        {"a watch tells all instances with each change", watched},
                        {"a watch goes on when the store is back", watch_goes_on},
                        {"a watch may ask the registry", watch_asks}});
}

}  // namespace skald::coord
