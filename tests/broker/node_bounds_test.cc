// What a node refuses, hides and bounds, end to end.
#include <sys/resource.h>
#include <zmq.h>

#include <algorithm>
#include <catch2/catch.hpp>

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
            wire::msg::kFirstPlainId, {}, Beginning{}, false, 60'000, 60 << 20});
        wire::ZmqMessage part;
        for (int answers = 0; answers < 2;) {
            if (socket_.receive(part)) {
                ++answers;
            } else {
                wire::poll_sockets(socket_, nullptr, waker_, 1000);
            }
        }
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
