// A node and its clients end to end: over ipc and inproc, with the real volume.
#include "skald/node.h"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <future>
#include <mutex>

#include "client/transport/dealer_socket.h"
#include "tests/broker/node_fixture.h"

namespace skald {

TEST_CASE("node: appends, reads and stream info over a socket", "[node]") {
    const auto transport = GENERATE("ipc", "inproc");
    const TempDirectory directory;
    const auto node = start(options_of(directory, transport));
    const auto store = connect_to(*node);

    auto receipt = store->append(Append::one("orders-1", event("a"), Expected::no_stream()));
    REQUIRE(receipt);
    CHECK(receipt->version == Version{0});
    CHECK(receipt->stream == "orders-1");
    CHECK_FALSE(receipt->repeated);

    auto conflict = store->append(Append::one("orders-1", event("b"), Expected::exact(5u)));
    REQUIRE_FALSE(conflict);
    CHECK(conflict.error().code == Errc::wrong_expected_version);
    REQUIRE(conflict.error().conflicts.size() == 1);
    CHECK(conflict.error().conflicts[0].actual == 0);

    REQUIRE(store->append(Append::many("orders-1", {event("c"), event("d")})));
    Read read;
    read.selection = Selection::stream("orders-1");
    auto page = store->read(read);
    REQUIRE(page);
    REQUIRE(page->events.size() == 3);
    CHECK(page->events[2].data == "d");
    CHECK(page->end);
    read.backward = true;
    read.start = End{};
    page = store->read(read);
    REQUIRE(page);
    REQUIRE(page->events.size() == 3);
    CHECK(page->events[0].data == "d");

    CHECK(store->stream_info("orders-1")->last == Version{2});
    CHECK(store->stream_info("orders-2")->state == StreamState::none);
    CHECK(store->list_streams("orders-*", "", 10)->streams.size() == 1);
    read.selection.name = "orders-2";
    CHECK(store->read(read).error().code == Errc::stream_not_found);
    CHECK(node->local().stream_info("orders-1")->last == Version{2});
}

TEST_CASE("node: changes and snapshots over a socket", "[node]") {
    const TempDirectory directory;
    const auto node = start(options_of(directory));
    const auto store = connect_to(*node);
    REQUIRE(store->append(Append::many("s", {event("a"), event("b")})));
    REQUIRE(store->change_stream({"s", Expected::stream_exists(), TruncateStream{Version{1}}}));
    CHECK(store->stream_info("s")->first == Version{1});
    CHECK_FALSE(store->get_snapshot("s")->has_value());
    REQUIRE(store->put_snapshot("s", {Version{1}, 7, "state"}));
    const auto snapshot = store->get_snapshot("s");
    REQUIRE(snapshot);
    REQUIRE(*snapshot);
    CHECK((*snapshot)->bytes == "state");
    REQUIRE(store->change_stream({"s", Expected::stream_exists(), DeleteStream{false}}));
    CHECK(store->stream_info("s")->state == StreamState::deleted);
    CHECK(store->append(Append::one("s", event("c")))->version == Version{2});
}

TEST_CASE("node: many asynchronous appends, each answered once and in order", "[node]") {
    const auto partitions = static_cast<std::uint16_t>(GENERATE(1, 4));
    const TempDirectory directory;
    NodeOptions options = options_of(directory);
    options.partitions = partitions;
    const auto node = start(options);
    const auto store = connect_to(*node);
    constexpr int kAppends = 5000;
    std::vector<std::uint64_t> versions;
    std::promise<void> done;
    std::mutex mutex;
    for (int i = 0; i < kAppends; ++i) {
        store->append_async(Append::one(fmt::format("s-{}", i % 8), event("x")),
                            [&](Result<Receipt> receipt) {
                                const std::lock_guard lock(mutex);
                                versions.push_back(receipt ? receipt->version.value : 1'000'000);
                                if (versions.size() == kAppends) {
                                    done.set_value();
                                }
                            });
    }
    REQUIRE(done.get_future().wait_for(30s) == std::future_status::ready);
    std::sort(versions.begin(), versions.end());
    CHECK(versions.front() == 0);
    CHECK(versions.back() == kAppends / 8 - 1);
}

TEST_CASE("node: a large append travels as a body frame", "[node]") {
    const TempDirectory directory;
    const auto node = start(options_of(directory));
    const auto store = connect_to(*node);
    const std::string large(900'000, 'l');
    REQUIRE(store->append(Append::one("s", event(large))));
    auto page = store->read({});
    REQUIRE(page);
    REQUIRE(page->events.size() == 1);
    CHECK(page->events[0].data == large);
    CHECK(store->append(Append::one("s", event(std::string(2 << 20, 'x')))).error().code ==
          Errc::event_too_large);
}

TEST_CASE("node: a subscription catches up and goes on live", "[node]") {
    const auto transport = GENERATE("ipc", "inproc");
    const TempDirectory directory;
    const auto node = start(options_of(directory, transport));
    const auto store = connect_to(*node);
    for (int i = 0; i < 100; ++i) {
        REQUIRE(store->append(Append::one("s", event(std::to_string(i)))));
    }
    Listener listener;
    Subscribe request;
    request.events_in_flight = 7;
    auto subscription = store->subscribe(request, listener);
    REQUIRE(subscription);
    REQUIRE(listener.wait_until_caught_up());
    for (int i = 100; i < 200; ++i) {
        REQUIRE(store->append(Append::one("s", event(std::to_string(i)))));
    }
    REQUIRE(listener.wait_for_events(200));
    const auto data = listener.data();
    REQUIRE(data.size() == 200);
    for (int i = 0; i < 200; ++i) {
        CHECK(data[static_cast<std::size_t>(i)] == std::to_string(i));
    }
    (*subscription)->unsubscribe();
    REQUIRE(store->append(Append::one("s", event("late"))));
    CHECK(listener.data().size() == 200);
}

TEST_CASE("node: a handler that throws ends its own subscription only", "[node]") {
    const TempDirectory directory;
    const auto node = start(options_of(directory));
    const auto store = connect_to(*node);
    Listener thrower;
    thrower.throws_ = true;
    Listener other;
    auto first = store->subscribe({}, thrower);
    auto second = store->subscribe({}, other);
    REQUIRE(first);
    REQUIRE(second);
    REQUIRE(store->append(Append::one("s", event("a"))));
    REQUIRE(store->append(Append::one("s", event("b"))));
    const auto ended = thrower.wait_for_end();
    REQUIRE(ended);
    CHECK(ended->code == Errc::handler_failed);
    CHECK(other.wait_for_events(2));
    CHECK(thrower.data().size() == 1);
}

TEST_CASE("node: a client lives through a restart of the node", "[node]") {
    const TempDirectory directory;
    const NodeOptions options = options_of(directory);
    auto node = start(options);
    const auto store = connect_to(*node);
    Listener listener;
    auto subscription = store->subscribe({}, listener);
    REQUIRE(subscription);
    REQUIRE(store->append(Append::one("s", event("before"))));
    REQUIRE(listener.wait_for_events(1));
    node->stop();
    node.reset();
    std::promise<Result<Receipt>> answered;
    store->append_async(Append::one("s", event("between")),
                        [&](Result<Receipt> receipt) { answered.set_value(std::move(receipt)); });
    node = start(options);
    auto receipt = answered.get_future().get();
    REQUIRE(receipt);
    CHECK(receipt->version == Version{1});
    REQUIRE(listener.wait_for_events(2));
    CHECK(listener.data() == std::vector<std::string>{"before", "between"});
}

TEST_CASE("node: nobody there is told soon", "[node]") {
    const TempDirectory directory;
    ClientOptions options;
    options.servers = {"ipc://" + directory.path() + "/nobody"};
    options.timeout = 5s;
    auto client = connect(options);
    REQUIRE_FALSE(client);
    CHECK(client.error() ==
          Error(Errc::unreachable,
                options.servers[0] + ": no node answers there: start it, or name another server"));
}

TEST_CASE("node: CURVE admits the keys it knows, with their rights", "[node]") {
    const TempDirectory directory;
    const KeyPair server = make_key_pair();
    const KeyPair known = make_key_pair();
    const KeyPair unknown = make_key_pair();
    NodeOptions options = options_of(directory);
    options.listen = {"tcp://127.0.0.1:*"};
    options.secret_key = server.secret_key;
    options.clients = {known.public_key};
    options.permissions = {{known.public_key, {"open-*"}, {"open-*"}, {}}};
    const auto node = start(options);
    ClientOptions client;
    client.servers = node->endpoints();
    client.server_key = server.public_key;
    client.timeout = 30s;
    client.public_key = unknown.public_key;
    client.secret_key = unknown.secret_key;
    CHECK_FALSE(connect(client));
    client.public_key = known.public_key;
    client.secret_key = known.secret_key;
    auto store = connect(client);
    INFO((store ? std::string() : store.error().message));
    REQUIRE(store);
    CHECK((*store)->append(Append::one("open-1", event("a"))));
    CHECK((*store)->append(Append::one("shut-1", event("a"))).error().code == Errc::forbidden);
    CHECK((*store)->append(Append::one("open-1", event("b"))));
    CHECK((*store)->change_stream({"open-1", Expected::any(), DeleteStream{}}).error().code ==
          Errc::forbidden);
    REQUIRE(node->local().append(Append::one("shut-1", event("secret"))));
    auto page = (*store)->read({});
    REQUIRE(page);
    CHECK(page->events.size() == 2);
    Read read;
    read.selection = Selection::stream("shut-1");
    CHECK((*store)->read(read).error().code == Errc::forbidden);
}

TEST_CASE("node: noise on the socket does not stop it", "[node]") {
    const TempDirectory directory;
    const auto node = start(options_of(directory));
    const auto store = connect_to(*node);
    wire::ZmqSocket raw(wire::shared_zmq_context(), wire::ZmqKind::dealer);
    REQUIRE(raw.connect(node->endpoints()[0]));
    for (int i = 0; i < 2000; ++i) {
        const std::string noise(static_cast<std::size_t>(i % 300), static_cast<char>(i));
        const int frames = 1 + i % 5;
        for (int frame = 0; frame < frames; ++frame) {
            (void)raw.send(wire::ZmqMessage(as_bytes(noise)), frame + 1 < frames);
        }
    }
    REQUIRE(store->append(Append::one("s", event("a"))));
}

TEST_CASE("node: clients come and go", "[node]") {
    const TempDirectory directory;
    const auto node = start(options_of(directory));
    for (int i = 0; i < 50; ++i) {
        const auto store = connect_to(*node);
        REQUIRE(store->append(Append::one("s", event("a"))));
    }
    CHECK(node->local().stream_info("s")->last == Version{49});
}

}  // namespace skald
