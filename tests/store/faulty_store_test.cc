#include <catch2/catch.hpp>

#include "skald/testing.h"

namespace skald {
namespace {

using Call = FaultyEventStore::Call;

Append append_of(const char* type) {
    NewEvent event;
    event.type = type;
    return Append::one("s", event);
}

struct World {
    std::unique_ptr<EventStore> inner = make_memory_store();
    FaultyEventStore store{*inner};

    std::size_t stored() const {
        const auto info = inner->stream_info("s");
        return info->last ? static_cast<std::size_t>(info->last->value + 1) : 0;
    }
};

}  // namespace

TEST_CASE("faulty store: without a fault it is the store behind it", "[store]") {
    World world;
    REQUIRE(world.store.append(append_of("a")));
    CHECK(world.store.read({Selection::stream("s")})->events.size() == 1);
    CHECK(world.store.stream_info("s")->state == StreamState::active);
    CHECK(world.store.list_streams("*", "", 10)->streams.size() == 1);
    CHECK(world.store.position()->partitions.size() == 1);
    CHECK(world.store.calls(Call::append) == 1);
    CHECK(world.store.calls(Call::subscribe) == 0);
}

TEST_CASE("faulty store: the n-th call fails and is not made", "[store]") {
    World world;
    world.store.fail_before(Call::append, 2, {Errc::busy, "told to"});
    CHECK(world.store.append(append_of("a")));
    const auto failed = world.store.append(append_of("b"));
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == Errc::busy);
    CHECK(world.stored() == 1);
    CHECK(world.store.append(append_of("b")));
    CHECK(world.store.calls(Call::append) == 3);
}

TEST_CASE("faulty store: a call is carried out and fails all the same", "[store]") {
    World world;
    world.store.fail_after(Call::append, 1, {Errc::outcome_unknown, "told to"});
    CHECK(world.store.append(append_of("a")).error().code == Errc::outcome_unknown);
    CHECK(world.stored() == 1);
}

TEST_CASE("faulty store: ephemeral events fail as they are told to", "[store]") {
    World world;
    world.store.fail_before(Call::publish_ephemeral, 1, {Errc::busy, "told to"});
    world.store.fail_after(Call::publish_ephemeral, 2, {Errc::outcome_unknown, "told to"});
    NewEvent event;
    event.type = "a";
    CHECK(world.store.publish_ephemeral("s", event).error().code == Errc::busy);
    CHECK(world.store.publish_ephemeral("s", event).error().code == Errc::outcome_unknown);
    CHECK(world.store.publish_ephemeral("s", event));
    CHECK(world.store.calls(Call::publish_ephemeral) == 3);
    CHECK(world.stored() == 0);
}

TEST_CASE("faulty store: an error of the store behind it stays", "[store]") {
    World world;
    world.store.fail_after(Call::read, 1, {Errc::timed_out, "told to"});
    CHECK(world.store.read({Selection::stream("none")}).error().code == Errc::stream_not_found);
}

TEST_CASE("faulty store: faults of kinds and numbers are apart", "[store]") {
    World world;
    world.store.fail_before(Call::read, 1, {Errc::timed_out, "one"});
    world.store.fail_before(Call::read, 3, {Errc::unreachable, "three"});
    CHECK(world.store.append(append_of("a")));
    CHECK(world.store.read({}).error().code == Errc::timed_out);
    CHECK(world.store.read({}));
    CHECK(world.store.read({}).error().code == Errc::unreachable);
    CHECK(world.store.read({}));
}

TEST_CASE("faulty store: asynchronous appends count and fail too", "[store]") {
    World world;
    std::vector<std::string> answers;
    const auto note = [&](Result<Receipt> receipt) {
        answers.emplace_back(receipt ? "ok" : name_of(receipt.error().code));
    };
    world.store.fail_before(Call::append, 1, {Errc::busy, "told to"});
    world.store.fail_after(Call::append, 2, {Errc::outcome_unknown, "told to"});
    for (const char* type : {"a", "b", "c"}) {
        world.store.append_async(append_of(type), note);
    }
    CHECK(answers == std::vector<std::string>{"busy", "outcome_unknown", "ok"});
    CHECK(world.stored() == 2);
}

TEST_CASE("faulty store: callbacks wait until they are released, in order", "[store]") {
    World world;
    std::vector<std::uint64_t> answers;
    const auto note = [&](Result<Receipt> receipt) { answers.push_back(receipt->version.value); };
    world.store.hold_callbacks();
    for (const char* type : {"a", "b"}) {
        world.store.append_async(append_of(type), note);
    }
    CHECK(answers.empty());
    CHECK(world.stored() == 2);
    CHECK(world.store.held() == 2);
    world.store.release_callbacks();
    CHECK(answers == std::vector<std::uint64_t>{0, 1});
    world.store.append_async(append_of("c"), note);
    CHECK(answers.size() == 3);
}

TEST_CASE("faulty store: a callback that appends while it is released comes last", "[store]") {
    World world;
    std::vector<int> order;
    world.store.hold_callbacks();
    world.store.append_async(append_of("a"), [&](const Result<Receipt>&) {
        order.push_back(1);
        world.store.append_async(append_of("c"),
                                 [&](const Result<Receipt>&) { order.push_back(3); });
    });
    world.store.append_async(append_of("b"), [&](const Result<Receipt>&) { order.push_back(2); });
    world.store.release_callbacks();
    CHECK(order == std::vector<int>{1, 2, 3});
}

TEST_CASE("faulty store: none is forgotten when it ends", "[store]") {
    int answers = 0;
    {
        World world;
        world.store.hold_callbacks();
        world.store.append_async(append_of("a"), [&](const Result<Receipt>&) { ++answers; });
    }
    CHECK(answers == 1);
}

}  // namespace skald
