#include "skald/registry.h"

#include <catch2/catch.hpp>

#include "tests/await.h"
#include "tests/coord/failing_coord.h"
#include "tests/coord/local_factory.h"
#include "tests/coord/registry_contract.h"

namespace skald::coord {
namespace {

using namespace std::chrono_literals;

}  // namespace

TEST_CASE("local coord: the registry", "[coord][contract]") {
    LocalFactory factory;
    run_registry_contract(factory);
}

TEST_CASE("local coord: what the registry shows", "[coord][contract]") {
    LocalFactory factory;
    run_registry_view_contract(factory);
}

TEST_CASE("local coord: nobody goes because the store was away", "[coord]") {
    LocalFactory factory;
    InstanceSettings settings;
    settings.service = "shop";
    settings.id = "a";
    settings.endpoint = "h:1";
    auto coord = factory.open();
    const auto before = [&] {
        FailingCoord between(*coord);
        const auto registry = open_registry(between);
        const auto registration = registry->enroll(settings);
        REQUIRE(registration);
        auto instances = registry->discover("shop")->instances;
        between.fail(Error(Errc::unreachable, "the store is away"));
        return instances;
    }();
    REQUIRE(before.size() == 1);
    factory.pass(*coord, 29s);
    coord.reset();

    factory.pass_closed(24h);
    coord = factory.open();
    const auto registry = open_registry(*coord);
    CHECK(registry->discover("shop")->instances == before);
    factory.pass(*coord, 29s);
    CHECK(registry->discover("shop")->instances == before);
    factory.pass(*coord, 1s);
    await([&] { return registry->discover("shop")->instances.empty(); });
    CHECK(registry->discover("shop", {{}, true})->instances.size() == 1);
}

}  // namespace skald::coord
