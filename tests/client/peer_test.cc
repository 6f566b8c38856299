// A client against a node that does not keep to the protocol, and against its own handlers.
#include <future>
#include <optional>

#include "skald/client.h"
#include "tests/client/fake_node.h"

namespace skald::client {
namespace {

namespace msg = wire::msg;

constexpr auto kLong = std::chrono::seconds(20);

Position at(std::uint64_t offset) {
    return {Uuid{}, {{Partition{}, Uuid{}, Epoch{1}, Offset{offset}}}};
}

std::unique_ptr<EventStore> connected_to(const FakeNode& node) {
    ClientOptions options;
    options.servers = {node.endpoint()};
    auto store = connect(options);
    REQUIRE(store);
    return std::move(*store);
}

class Quiet : public SubscriptionHandler {
  public:
    void on_events(const Delivery&) override {}
    void on_ended(const Error&, const Position&) override {}
};

}  // namespace

TEST_CASE("client: an envelope that cannot be read ends the connection", "[client]") {
    std::promise<msg::Subscribe> again;
    int subscribed = 0;
    FakeNode node([&](FakeNode& self, const msg::FromClient& message) {
        if (const auto* subscribe = std::get_if<msg::Subscribe>(&message)) {
            if (++subscribed == 2) {
                again.set_value(*subscribe);
            }
            self.send(msg::Subscribed{subscribe->id, at(7)});
            if (subscribed == 1) {
                self.send_raw("no envelope");
            }
        }
    });
    auto store = connected_to(node);
    Quiet handler;
    auto subscription = store->subscribe({}, handler);
    REQUIRE(subscription);
    auto second = again.get_future();
    REQUIRE(second.wait_for(kLong) == std::future_status::ready);
    CHECK(std::get<Position>(second.get().start) == at(7));
}

TEST_CASE("client: a handler that fails at once is told where the subscription began", "[client]") {
    struct Failing final : SubscriptionHandler {
        void on_events(const Delivery&) override {}
        void on_checkpoint(const Checkpoint&) override { throw std::runtime_error("no"); }
        void on_ended(const Error& reason, const Position& position) override {
            CHECK(reason.code == Errc::handler_failed);
            ended.set_value(position);
            throw std::runtime_error("no again");
        }
        std::promise<Position> ended;
    } handler;
    FakeNode node([&](FakeNode& self, const msg::FromClient& message) {
        if (const auto* subscribe = std::get_if<msg::Subscribe>(&message)) {
            self.send(msg::Subscribed{subscribe->id, at(7)});
            self.send(msg::Checkpoint{subscribe->id, at(9)});
        }
    });
    auto store = connected_to(node);
    Subscribe request;
    request.start = End{};
    auto subscription = store->subscribe(request, handler);
    REQUIRE(subscription);
    auto ended = handler.ended.get_future();
    REQUIRE(ended.wait_for(kLong) == std::future_status::ready);
    CHECK(ended.get() == at(7));
}

TEST_CASE("client: a node that does not know ephemeral events is not asked for them", "[client]") {
    FakeNode node([](FakeNode&, const msg::FromClient&) {});
    auto store = connected_to(node);
    NewEvent event;
    event.type = "t";
    CHECK(store->publish_ephemeral("s", event).error().code == Errc::unsupported_version);
    Subscribe request;
    request.ephemeral = true;
    Quiet handler;
    CHECK(store->subscribe(request, handler).error().code == Errc::unsupported_version);
}

}  // namespace skald::client
