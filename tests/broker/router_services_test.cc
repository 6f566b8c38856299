// Services as a node's core routes them: what arrives, what goes out, and who may.
#include "broker/limits.h"
#include "tests/broker/router_fixture.h"

namespace skald::broker {
namespace {

constexpr PeerId kWorker = 1;
constexpr PeerId kAsker = 2;
constexpr std::uint64_t kId = msg::kFirstPlainId;

// A worker and somebody who asks.
class Served : public RouterFixture {
  public:
    explicit Served(NodeLimits limits = {}, std::vector<Permission> permissions = {})
        : RouterFixture(limits, std::move(permissions)) {
        hello(kWorker, 1, "w");
        hello(kAsker, 2, "a");
        say(kWorker, msg::Serve{kId, "sum", Balance::round_robin, 1, 2});
        REQUIRE(sent<msg::Done>(kWorker).size() == 1);
    }
    void ask(std::uint64_t n, const std::string& service = "sum") {
        say(kAsker, msg::Request{kId + n, service, 1000}, "what?");
    }
    // The body of the last message of this kind to the peer.
    template <typename Message>
    std::string body(PeerId peer) {
        std::string found = "none";
        for (const Outgoing& outgoing : sent_messages()) {
            if (outgoing.peer == peer && std::holds_alternative<Message>(outgoing.message)) {
                found = outgoing.bodies.empty() ? "" : *outgoing.bodies.front();
            }
        }
        return found;
    }
};

}  // namespace

TEST_CASE("router: a request goes to a worker, and the reply back", "[broker]") {
    Served f;
    f.ask(1);
    const auto calls = f.sent<msg::Call>(kWorker);
    REQUIRE(calls.size() == 1);
    CHECK(calls[0].worker == kId);
    CHECK(calls[0].left_ms == 1000);
    CHECK(f.body<msg::Call>(kWorker) == "what?");
    f.say(kWorker, msg::Respond{calls[0].number, std::nullopt}, "that");
    REQUIRE(f.sent<msg::Reply>(kAsker).size() == 1);
    CHECK(f.sent<msg::Reply>(kAsker)[0].id == kId + 1);
    CHECK(f.body<msg::Reply>(kAsker) == "that");
    // A worker's error.
    f.ask(2);
    f.say(kWorker, msg::Respond{f.sent<msg::Call>(kWorker)[1].number,
                                Error(Errc::handler_failed, "on purpose")});
    CHECK(f.refusal(kAsker) == Errc::handler_failed);
}

TEST_CASE("router: nobody serves, no time, no right, no room", "[broker]") {
    NodeLimits limits;
    limits.request_bytes_in_flight = 3 * (kRequestCost + 5);
    Served f(limits);
    f.ask(1, "other");
    CHECK(f.refusal(kAsker) == Errc::not_ready);
    f.ask(2, "");
    CHECK(f.refusal(kAsker) == Errc::invalid_argument);
    f.say(kAsker, msg::Request{kId + 3, "sum", 1000});
    CHECK(f.refusal(kAsker) == Errc::malformed);  // no body
    for (std::uint64_t n = 4; n < 7; ++n) {
        f.ask(n);
    }
    CHECK(f.sent<msg::Rejected>(kAsker).size() == 3);
    f.ask(7);
    CHECK(f.refusal(kAsker) == Errc::busy);
    // Two are with the worker, one waits.
    CHECK(f.sent<msg::Call>(kWorker).size() == 2);
    f.forget();
    f.tick(1000ms);
    const auto refused = f.sent<msg::Rejected>(kAsker);
    REQUIRE(refused.size() == 3);
    CHECK(refused[0].error.code == Errc::outcome_unknown);
    CHECK(refused[2].error.code == Errc::timed_out);
}

TEST_CASE("router: a service is named as streams are, and `$` is the node's", "[broker]") {
    Served f;
    std::uint64_t id = kId + 100;
    for (const std::string& name :
         {std::string(), std::string("$services"), std::string("a*"), std::string("a\nb"),
          std::string("\xff"), std::string(kServiceNameBytesMax + 1, 'x')}) {
        f.forget();
        f.say(kWorker, msg::Serve{++id, name, Balance::round_robin, 1, 1});
        CHECK(f.refusal(kWorker) == Errc::invalid_argument);
    }
}

TEST_CASE("router: the names of services are told to who may ask them", "[broker]") {
    Served f(NodeLimits{}, {{"w", {}, {}, {"service/*"}}, {"a", {}, {"service/s*"}, {}}});
    f.say(kWorker, msg::Serve{kId + 1, "other", Balance::round_robin, 1, 1});
    f.say(kWorker, msg::Serve{kId + 2, "some", Balance::round_robin, 1, 1});
    f.say(kAsker, msg::Request{kId, "$services", 1000}, "");
    CHECK(f.body<msg::Reply>(kAsker) == "some\nsum");
    f.say(kAsker, msg::Request{kId + 1, "$services", 1000}, "su");
    CHECK(f.body<msg::Reply>(kAsker) == "sum");
    f.say(kAsker, msg::Request{kId + 2, "$services", 1000}, "o");
    CHECK(f.body<msg::Reply>(kAsker).empty());
}

TEST_CASE("router: serving is administering, asking is writing", "[broker]") {
    RouterFixture f({}, {{"w", {}, {}, {"service/*"}}, {"a", {}, {"service/sum"}, {}}});
    f.hello(kWorker, 1, "w");
    f.hello(kAsker, 2, "a");
    f.say(kAsker, msg::Serve{kId, "sum", Balance::round_robin, 1, 1});
    CHECK(f.refusal(kAsker) == Errc::forbidden);
    f.say(kWorker, msg::Serve{kId, "sum", Balance::round_robin, 1, 1});
    f.say(kWorker, msg::Serve{kId + 1, "other", Balance::round_robin, 1, 1});
    CHECK(f.sent<msg::Done>(kWorker).size() == 2);
    f.say(kAsker, msg::Request{kId + 1, "other", 1000}, "q");
    CHECK(f.refusal(kAsker) == Errc::forbidden);
    f.say(kWorker, msg::Request{kId + 2, "sum", 1000}, "q");
    CHECK(f.refusal(kWorker) == Errc::forbidden);
    f.say(kAsker, msg::Request{kId + 2, "sum", 1000}, "q");
    CHECK(f.sent<msg::Call>(kWorker).size() == 1);
}

TEST_CASE("router: the rights to a service are those to its places, whose names are not told",
          "[broker]") {
    RouterFixture f({}, {{"w", {}, {}, {"service/sum"}}, {"a", {}, {"service/sum"}, {}}});
    f.hello(kWorker, 1, "w");
    f.hello(kAsker, 2, "a");
    std::uint64_t id = kId;
    const auto serve = [&](const std::string& name) {
        f.forget();
        f.say(kWorker, msg::Serve{++id, name, Balance::round_robin, 1, 1});
        return f.sent<msg::Done>(kWorker).size() == 1;
    };
    const auto ask = [&](PeerId peer, const std::string& name) {
        f.forget();
        f.say(peer, msg::Request{++id, name, 1000}, "q");
        return f.sent<msg::Call>(kWorker).size() == 1;
    };
    CHECK(serve("sum#1"));
    CHECK(serve("sum#2#x"));
    CHECK_FALSE(serve("sun#1"));
    CHECK(f.refusal(kWorker) == Errc::forbidden);
    CHECK(ask(kAsker, "sum#1"));
    CHECK(ask(kAsker, "sum#2#x"));
    CHECK_FALSE(ask(kAsker, "sum"));  // which nobody serves
    CHECK(f.refusal(kAsker) == Errc::not_ready);
    CHECK_FALSE(ask(kAsker, "sun#1"));
    CHECK(f.refusal(kAsker) == Errc::forbidden);
    CHECK_FALSE(ask(kWorker, "sum#1"));
    CHECK(f.refusal(kWorker) == Errc::forbidden);
    CHECK(serve("sum"));
    f.forget();
    f.say(kAsker, msg::Request{++id, "$services", 1000}, "");
    const auto messages = f.sent_messages();
    REQUIRE(messages.size() == 1);
    REQUIRE(messages[0].bodies.size() == 1);
    CHECK(*messages[0].bodies[0] == "sum");
}

TEST_CASE("router: a worker that is lost, silent or done abandons its requests", "[broker]") {
    for (const int how : {0, 1, 2}) {
        Served f;
        f.ask(1);
        if (how == 0) {
            f.router().lost(kWorker);
            f.pump();
        } else if (how == 1) {
            f.say(kWorker, msg::Bye{});
        } else {
            f.say(kWorker, msg::Unserve{kId + 1, kId});
        }
        if (how == 0) {
            f.tick(100ms);
        }
        CHECK(f.refusal(kAsker) == Errc::outcome_unknown);
        f.ask(2);
        CHECK(f.refusal(kAsker) == Errc::not_ready);
    }
}

TEST_CASE("router: a response that was not asked for is malformed", "[broker]") {
    Served f;
    f.ask(1);
    const std::uint64_t number = f.sent<msg::Call>(kWorker).at(0).number;
    f.say(kAsker, msg::Respond{number, std::nullopt}, "forged");
    CHECK(f.sent<msg::Reply>(kAsker).empty());
    CHECK(f.router().counters().malformed == 1);
    f.say(kWorker, msg::Respond{number, std::nullopt}, "that");
    CHECK(f.body<msg::Reply>(kAsker) == "that");
}

TEST_CASE("router: a reply finds no room at whoever takes nothing", "[broker]") {
    Served f;
    f.ask(1);
    f.set_room_of(kAsker, 0);
    f.say(kWorker, msg::Respond{f.sent<msg::Call>(kWorker).at(0).number, std::nullopt}, "that");
    CHECK(f.sent<msg::Reply>(kAsker).empty());
    CHECK(f.refusal(kAsker) == Errc::outcome_unknown);
}

TEST_CASE("router: services take the feature", "[broker]") {
    RouterFixture f;
    msg::Hello old;
    old.producer.bytes[0] = 1;
    old.features = msg::kFeatureEphemeral;
    f.say(kWorker, old);
    f.say(kWorker, msg::Serve{kId, "sum", Balance::round_robin, 1, 1});
    CHECK(f.refusal(kWorker) == Errc::unsupported_version);
}

}  // namespace skald::broker
