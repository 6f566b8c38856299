// What a node refuses, hides and bounds, end to end.
#include <sys/resource.h>
#include <zmq.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>

#include "tests/broker/node_fixture.h"
#include "wire/envelope.h"
#include "wire/zmq/socket.h"

namespace skald {
namespace {

// Subscribes to everything, and takes nothing off its connection any more.
class Stalled {
  public:
    Stalled(const std::string& endpoint, std::uint8_t producer)
        : socket_(wire::shared_zmq_context(), wire::ZmqKind::dealer) {
        socket_.set(ZMQ_RCVHWM, 1);
        REQUIRE(socket_.connect(endpoint));
        wire::msg::Hello hello;
        hello.producer.bytes[0] = producer;
        say(hello);
        say(wire::msg::Subscribe{
            wire::msg::kFirstPlainId, {}, Beginning{}, false, 60'000, 60 << 20, true});
        take();
        take();
    }
    // One message, after all.
    wire::msg::FromNode take() {
        wire::ZmqMessage part;
        while (!socket_.receive(part)) {
            wire::poll_sockets(socket_, nullptr, waker_, 1000);
        }
        std::vector<std::uint64_t> frame(part.bytes().size() / 8 + 1);
        std::memcpy(frame.data(), part.bytes().data(), part.bytes().size());
        auto message = wire::decode_from_node(
            {reinterpret_cast<const std::byte*>(frame.data()), part.bytes().size()});
        REQUIRE(message);
        while (part.more()) {
            REQUIRE(socket_.receive(part));
        }
        return std::move(*message);
    }

  private:
    void say(const wire::msg::FromClient& message) {
        REQUIRE(socket_.send(wire::ZmqMessage(encoder_.encode(message)), false) ==
                wire::SendResult::sent);
    }

    wire::ZmqSocket socket_;
    wire::Waker waker_;
    wire::EnvelopeEncoder encoder_;
};

}  // namespace

TEST_CASE("node: an open endpoint without CURVE is refused", "[node]") {
    const TempDirectory directory;
    NodeOptions options = options_of(directory);
    options.listen = {"tcp://0.0.0.0:*"};
    auto node = Node::start(options);
    REQUIRE_FALSE(node);
    CHECK(node.error().code == Errc::invalid_argument);
}

TEST_CASE("node: what a configuration means but cannot have is refused", "[node]") {
    const TempDirectory directory;
    NodeOptions options = options_of(directory);
    const std::string key = make_key_pair().public_key;
    SECTION("clients without a secret key") {
        options.clients = {key};
    }
    SECTION("a client's key that is none") {
        options.secret_key = make_key_pair().secret_key;
        options.clients = {key, "not a key"};
    }
    SECTION("a client's key with a character that is not Z85") {
        options.secret_key = make_key_pair().secret_key;
        options.clients = {std::string(39, '0') + '"'};
    }
    SECTION("a permission's key that is none") {
        options.permissions = {{key + "x", {"*"}, {}, {}}};
    }
    const auto node = Node::start(options);
    REQUIRE_FALSE(node);
    CHECK(node.error().code == Errc::invalid_argument);
}

TEST_CASE("node: peers that stand still do not stop the others", "[node]") {
    const TempDirectory directory;
    NodeOptions options = options_of(directory);
    options.limits.send_bytes_queued = 1 << 20;
    const auto node = start(options);
    constexpr int kEvents = 200;
    for (int i = 0; i < kEvents; ++i) {
        REQUIRE(node->local().append(Append::one("s", event(std::string(40'000, 'x')))));
    }
    std::vector<std::unique_ptr<Stalled>> stalled;
    for (std::uint8_t i = 1; i <= 4; ++i) {
        stalled.push_back(std::make_unique<Stalled>(node->endpoints()[0], i));
    }
    const auto store = connect_to(*node);
    Listener listener;
    auto subscription = store->subscribe({}, listener);
    REQUIRE(subscription);
    CHECK(listener.wait_for_events(kEvents));
    CHECK_FALSE(store->read({})->events.empty());
}

TEST_CASE("node: a peer that stands still loses ephemeral events, not its session", "[node]") {
    const TempDirectory directory;
    NodeOptions options = options_of(directory);
    options.limits.expiry = 1h;
    const auto node = start(options);
    Stalled stalled(node->endpoints()[0], 1);
    const auto store = connect_to(*node);
    Listener listener;
    Subscribe request;
    request.ephemeral = true;
    auto subscription = store->subscribe(request, listener);
    REQUIRE(subscription);
    REQUIRE(listener.wait_until_caught_up());
    constexpr std::size_t kEvents = 6000;  // more messages than a pipe holds
    for (std::size_t i = 0; i < kEvents; ++i) {
        REQUIRE(store->publish_ephemeral("s", event("x")));
    }
    CHECK(listener.wait_for_ephemeral(kEvents));
    CHECK(listener.dropped() == 0);
    std::size_t told = 0;
    std::uint64_t dropped = 0;
    while (told + dropped < kEvents) {
        const wire::msg::FromNode message = stalled.take();
        REQUIRE_FALSE(std::holds_alternative<wire::msg::Goodbye>(message));
        told += std::holds_alternative<wire::msg::Ephemeral>(message) ? 1 : 0;
        if (const auto* some = std::get_if<wire::msg::Dropped>(&message)) {
            dropped += some->events;
        }
    }
    CHECK(told + dropped == kEvents);
    CHECK(dropped > 0);
    CHECK(told > 0);
}

TEST_CASE("node: ephemeral events are hidden from those who may not read them", "[node]") {
    const TempDirectory directory;
    NodeOptions options = options_of(directory);
    options.permissions = {{"*", {"open-*"}, {"*"}, {}}};
    const auto node = start(options);
    const auto store = connect_to(*node);
    Subscribe request;
    request.ephemeral = true;
    Listener listener;
    auto subscription = store->subscribe(request, listener);
    REQUIRE(subscription);
    REQUIRE(listener.wait_until_caught_up());
    REQUIRE(store->publish_ephemeral("secret-1", event("no")));
    REQUIRE(store->publish_ephemeral("open-1", event("yes")));
    REQUIRE(listener.wait_for_ephemeral(1));
    CHECK(listener.ephemeral() == std::vector<std::string>{"open-1"});
}

TEST_CASE("node: ephemeral events of this process reach clients, and theirs come here", "[node]") {
    const TempDirectory directory;
    const auto node = start(options_of(directory));
    const auto store = connect_to(*node);
    Subscribe request;
    request.ephemeral = true;
    Listener remote;
    Listener local;
    auto one = store->subscribe(request, remote);
    auto two = node->local().subscribe(request, local);
    REQUIRE(one);
    REQUIRE(two);
    REQUIRE(remote.wait_until_caught_up());
    REQUIRE(local.wait_until_caught_up());
    REQUIRE(store->publish_ephemeral("s", event("from afar")));
    REQUIRE(node->local().publish_ephemeral("s", event("from here")));
    CHECK(remote.wait_for_ephemeral(2));
    CHECK(local.wait_for_ephemeral(2));
    CHECK(remote.data().empty());
    node->stop();
    REQUIRE(node->local().publish_ephemeral("s", event("later")));
    CHECK(local.wait_for_ephemeral(3));
}

TEST_CASE("node: as many files as the system lets it", "[node]") {
    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit low{std::min<rlim_t>(before.rlim_max, 1000), before.rlim_max};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
    const TempDirectory directory;
    const auto node = start(options_of(directory));
    rlimit now{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &now) == 0);
    CHECK(now.rlim_cur == before.rlim_max);
    (void)setrlimit(RLIMIT_NOFILE, &before);
}

TEST_CASE("node: a list of streams tells nothing of those that may not be read", "[node]") {
    const TempDirectory directory;
    NodeOptions options = options_of(directory);
    std::vector<std::string> seen;
    SECTION("some may be read") {
        options.permissions = {{"*", {"open-*"}, {}, {}}};
        seen = {"open-1", "open-2"};
    }
    SECTION("none may be read") {
        options.permissions = {{"*", {}, {"*"}, {}}};
    }
    const auto node = start(options);
    for (const char* name : {"a-secret", "b-secret", "open-1", "open-2", "p-secret", "q-secret"}) {
        REQUIRE(node->local().append(Append::one(name, event("x"))));
    }
    const auto store = connect_to(*node);
    std::vector<std::string> names;
    std::string after;
    do {
        auto page = store->list_streams("*", after, 1);
        REQUIRE(page);
        for (const StreamInfo& info : page->streams) {
            names.push_back(info.name);
        }
        after = page->next;
        CHECK(after.find("secret") == std::string::npos);
    } while (!after.empty());
    CHECK(names == seen);
}

}  // namespace skald
