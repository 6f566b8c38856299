#include "tests/coord/registry_contract.h"

#include "tests/coord/registry_desk.h"

namespace skald::coord {
namespace {

using namespace registry_tests;

void registers(Desk& d) {
    InstanceSettings settings = shop();
    settings.metadata = {{"zone", "north"}};
    auto first = d.enroll(settings);
    CHECK(first->id() == "a");
    Instance wanted{"shop", "a", "h:1", settings.metadata, Health::healthy, "", {}, {}, {}};
    wanted.registered = d.clock.now();
    CHECK(d.only() == wanted);
    d.pass(1s);
    REQUIRE(first->update("h:2", {{"zone", "south"}}));
    wanted.endpoint = "h:2";
    wanted.metadata = {{"zone", "south"}};
    CHECK(d.only() == wanted);

    auto second = d.enroll(shop(""));
    auto third = d.enroll(shop(""));
    CHECK((second->id() != third->id() && !second->id().empty()));
    CHECK(d.ids().size() == 3);
    InstanceSettings other = shop("x");
    other.service = "bank";
    auto fourth = d.enroll(other);
    CHECK(*d.registry.services() == Texts{"bank", "shop"});
    CHECK(d.registry.discover("none")->instances.empty());

    REQUIRE(first->deregister());
    CHECK(first->deregister().error().code == Errc::not_found);
    CHECK(first->update("h:3", {}).error().code == Errc::not_found);
    CHECK(d.ids().size() == 2);
    second.reset();
    third.reset();
    CHECK(*d.registry.services() == Texts{"bank"});
    fourth.reset();
    CHECK(d.coord->get(KeyRange::prefix(""), Reading::linearizable)->entries.empty());
}

void selects(Desk& d) {
    std::vector<std::unique_ptr<Registration>> registrations;
    for (const auto& [id, zone] : {std::pair("a", "north"), {"b", "south"}, {"c", "north"}}) {
        InstanceSettings settings = shop(id);
        settings.metadata = {{"zone", zone}, {"id", id}};
        registrations.push_back(d.enroll(settings));
    }
    CHECK(d.ids() == Texts{"a", "b", "c"});
    CHECK(d.ids({{{"zone", "north"}}, false}) == Texts{"a", "c"});
    CHECK(d.ids({{{"zone", "north"}, {"id", "c"}}, false}) == Texts{"c"});
    CHECK(d.ids({{{"zone", "west"}}, false}).empty());
}

void unheard(Desk& d) {
    const auto registration = d.enroll(shop());
    const Time registered = d.only().registered;
    d.factory.pass(*d.coord, 30s);
    await([&] { return d.only().health != Health::healthy; });
    CHECK(d.only().health == Health::unhealthy);
    CHECK(d.only().reason == "not heard for 30s");
    CHECK(d.ids().empty());
    d.pass(10s);
    await([&] { return d.only().health == Health::healthy; });
    CHECK(d.only().registered == registered);
    d.factory.pass(*d.coord, 29s);
    CHECK(d.only().health == Health::healthy);
}

void comes_back(Desk& d) {
    auto registration = d.enroll(shop());
    REQUIRE(registration->update("h:2", {{"k", "v"}}));
    d.factory.pass(*d.coord, 60s);
    await([&] { return d.ids(kAll).empty(); });
    d.between.fail(kAway);
    const int before = d.between.reads();
    d.pass(10s);
    await([&] { return d.between.reads() > before; });
    d.between.fail({});
    CHECK(d.ids(kAll).empty());
    d.pass(10s);
    await([&] { return d.ids() == Texts{"a"}; });
    CHECK(d.only().endpoint == "h:2");
    CHECK(d.only().metadata == Metadata{{"k", "v"}});
    CHECK(d.only().registered == d.clock.now());

    // Whoever changes it finds out before.
    d.factory.pass(*d.coord, 60s);
    await([&] { return d.ids(kAll).empty(); });
    REQUIRE(registration->update("h:3", {}));
    CHECK(d.only().endpoint == "h:3");
    CHECK(d.only().health == Health::healthy);
    registration.reset();
    CHECK(d.ids(kAll).empty());
}

void heartbeats(Desk& d) {
    InstanceSettings settings = shop();
    settings.heartbeat = 100ms;
    const auto registration = d.enroll(settings);
    const InstanceKeys keys("shop", "a");
    const LeaseId lease = d.entry(keys.instance).lease;
    const LeaseId liveness = d.entry(keys.alive).lease;
    CHECK(lease != liveness);
    for (int i = 0; i < 4; ++i) {
        const int kept = d.between.kept_alive();
        d.factory.pass(*d.coord, 20s);
        d.clock.advance(100ms);
        await([&] { return d.between.kept_alive() >= kept + 2; });
    }
    CHECK(d.entry(keys.instance).lease == lease);
    CHECK(d.entry(keys.alive).lease == liveness);
    CHECK(d.only().health == Health::healthy);
}

void latest_owns(Desk& d) {
    InstanceSettings settings = shop();
    settings.probe = Probe{Probe::Kind::tcp, "h:1", 1s, 1s};
    d.looks.end_as(Error(Errc::unreachable, "refused"));
    auto first = d.enroll(settings);
    await([&] { return !d.only().reason.empty() && d.only().last_check; });
    LeaseRegistry elsewhere(d.between, {}, d.clock, d.looks.look());
    auto second = elsewhere.enroll(shop("a", "h:2"));
    REQUIRE(second);
    Instance wanted{"shop", "a", "h:2", {}, Health::healthy, "", {}, {}, {}};
    wanted.registered = d.only().registered;
    CHECK(d.only() == wanted);

    SECTION("what the earlier does") {
        CHECK(first->update("h:3", {}).error().code == Errc::not_found);
        CHECK(first->deregister().error().code == Errc::not_found);
    }
    SECTION("what it does unasked") {
        // When the second is taken, what the first saw was kept, if it was.
        d.looks.end_as(Error(Errc::unreachable, "something else"));
        for (int i = 0; i < 2; ++i) {
            const int taken = d.looks.taken;
            d.pass(1s);
            await([&] { return d.looks.taken > taken; });
        }
        CHECK(d.only() == wanted);
        CHECK(first->update("h:3", {}).error().code == Errc::not_found);
    }
    SECTION("its end") {
        first.reset();
    }
    SECTION("its leases") {
        d.look_after();
    }
    CHECK(d.only() == wanted);
    d.factory.pass(*d.coord, 29s);
    CHECK(d.only() == wanted);
    REQUIRE((*second)->update("h:4", {}));
    CHECK(d.only().endpoint == "h:4");
    REQUIRE((*second)->deregister());
    CHECK(d.ids(kAll).empty());
}

void late_for_its_id(Desk& d) {
    auto first = d.enroll(shop());
    d.factory.pass(*d.coord, 60s);
    await([&] { return d.ids(kAll).empty(); });
    ManualClock clock;
    LeaseRegistry elsewhere(*d.coord, {}, clock, d.looks.look());
    std::unique_ptr<Registration> second;
    const auto register_again = [&] { second = std::move(*elsewhere.enroll(shop("a", "h:2"))); };
    SECTION("before it looks") {
        register_again();
        d.look_after();
    }
    SECTION("just before it registers again") {
        std::atomic<bool> done{false};
        d.between.instead([&](Coord& coord, const Txn& txn) {
            register_again();
            auto result = coord.txn(txn);
            done = true;
            return result;
        });
        d.pass(10s);
        await([&] { return done.load(); });
    }
    CHECK(d.only().endpoint == "h:2");
    CHECK(first->update("h:3", {}).error().code == Errc::not_found);
    first.reset();
    CHECK(d.only().endpoint == "h:2");
}

void claim_unanswered(Desk& d) {
    const auto registration = d.enroll(shop());
    d.factory.pass(*d.coord, 60s);
    await([&] { return d.ids(kAll).empty(); });
    // What it does is done, nobody says so, and the leases are not ended either.
    std::atomic<bool> away{false};
    d.between.instead([&](Coord& coord, const Txn& txn) -> Result<TxnResult> {
        (void)coord.txn(txn);
        d.between.fail(kAway);
        away = true;
        return Error(Errc::outcome_unknown, "who knows");
    });
    d.pass(10s);
    await([&] { return away.load(); });
    d.between.fail({});
    d.look_after();
    CHECK(registration->registered());
    REQUIRE(registration->update("h:2", {}));
    CHECK(d.only().endpoint == "h:2");
    CHECK(d.only().health == Health::healthy);
}

void sent_away(Desk& d) {
    const auto registration = d.enroll(shop());
    const auto other = d.enroll(shop("a!"));
    CHECK(d.registry.deregister("shop", "b").error().code == Errc::not_found);
    CHECK(d.registry.deregister("none", "a").error().code == Errc::not_found);
    REQUIRE(d.registry.deregister("shop", "a"));
    CHECK(d.registry.deregister("shop", "a").error().code == Errc::not_found);
    CHECK(d.entry("/service/shop/a/alive").key.empty());
    CHECK(registration->registered());
    d.look_after();
    CHECK_FALSE(registration->registered());
    CHECK(other->registered());
    CHECK(d.ids(kAll) == Texts{"a!"});
    CHECK(registration->update("h:2", {}).error().code == Errc::not_found);
    CHECK(registration->deregister().error().code == Errc::not_found);
    CHECK(d.ids(kAll) == Texts{"a!"});
}

void not_registered(Desk& d) {
    d.between.instead([](Coord& coord, const Txn& txn) -> Result<TxnResult> {
        REQUIRE(coord.txn(txn));
        return Error(Errc::outcome_unknown, "who knows");
    });
    CHECK(d.registry.enroll(shop()).error().code == Errc::outcome_unknown);
    CHECK(d.ids(kAll).empty());
    d.between.fail(kAway);
    CHECK(d.registry.enroll(shop()).error().code == Errc::unreachable);
    d.between.fail({});
    CHECK(d.ids(kAll).empty());
}

void leaves_unheard(Desk& d) {
    auto registration = d.enroll(shop());
    d.between.fail(kAway);
    CHECK(registration->deregister().error().code == Errc::unreachable);
    CHECK(registration->deregister().error().code == Errc::not_found);
    d.between.fail({});
    CHECK(d.ids(kAll) == Texts{"a"});
    // It goes with its leases.
    d.pass(60s);
    d.factory.pass(*d.coord, 60s);
    await([&] { return d.ids(kAll).empty(); });
}

void refusals(Desk& d) {
    const auto refuses = [&](auto change) {
        InstanceSettings settings = shop();
        change(settings);
        const auto registration = d.registry.enroll(settings);
        return !registration && registration.error().code == Errc::invalid_argument;
    };
    CHECK(refuses([](InstanceSettings& s) { s.service = "a/b"; }));
    CHECK(refuses([](InstanceSettings& s) { s.id = "a/b"; }));
    CHECK(refuses([](InstanceSettings& s) { s.metadata["k"] = "\xff"; }));
    CHECK(refuses([](InstanceSettings& s) { s.heartbeat = 11s; }));
    CHECK(refuses([](InstanceSettings& s) { s.probe = Probe{Probe::Kind::tcp, "h", 1s, 1s}; }));
    CHECK(refuses([](InstanceSettings& s) { s.probe = Probe{Probe::Kind::http, "h:1", 1s, 1s}; }));
    CHECK(d.registry.discover("").error().code == Errc::invalid_argument);
    CHECK(d.registry.deregister("", "a").error().code == Errc::invalid_argument);
    CHECK(d.registry.deregister("shop", "").error().code == Errc::invalid_argument);
    const auto registration = d.enroll(shop());
    CHECK(registration->update("", {}).error().code == Errc::invalid_argument);
    CHECK(registration->update("h:2", {{"k", "\xff"}}).error().code == Errc::invalid_argument);
    CHECK(d.only().endpoint == "h:1");
    CHECK(d.registry.services()->size() == 1);
}

}  // namespace

void run_registry_contract(CoordFactory& factory) {
    run_sections<Desk>(factory,
                       {{"an instance registers, changes and leaves", registers},
                        {"instances are found by their metadata", selects},
                        {"one that is not heard is unhealthy, until it is", unheard},
                        {"one that is back registers again by itself", comes_back},
                        {"heartbeats keep both leases alive", heartbeats},
                        {"an id is the latest Registration's", latest_owns},
                        {"an id is not taken back from who registered meanwhile", late_for_its_id},
                        {"who hears nothing of its claim has it", claim_unanswered},
                        {"who was deregistered by another stays so", sent_away},
                        {"who could not be registered leaves nothing", not_registered},
                        {"who left unheard is gone with its leases", leaves_unheard},
                        {"what is refused", refusals}});
}

}  // namespace skald::coord
