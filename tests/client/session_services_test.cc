// Services as the client's core sees them: requests that are sent once, workers that come back.
#include "tests/client/session_fixture.h"

namespace skald::client {
namespace {

class Served : public SessionFixture {
  public:
    // How a request went; nullopt while it is open.
    using Outcome = std::shared_ptr<std::optional<Result<Answer>>>;
    Outcome ask(Monotonic time = 10s) {
        auto outcome = std::make_shared<std::optional<Result<Answer>>>();
        session().call({{0, "sum", 10'000},
                        std::make_shared<const std::string>("what?"),
                        now() + time,
                        [outcome](Result<Answer> answer) { *outcome = std::move(answer); }});
        take();
        return outcome;
    }
    void serve() {
        session().serve({{0, "sum", Balance::weighted, 3, 2},
                         now() + 10s,
                         [this](Result<std::uint64_t> id) { served.push_back(std::move(id)); },
                         [this](Called one) { called.push_back(std::move(one)); }});
        take();
    }
    template <typename Message>
    std::vector<Message> of(const std::vector<msg::FromClient>& messages) {
        std::vector<Message> found;
        for (const msg::FromClient& message : messages) {
            if (const auto* one = std::get_if<Message>(&message)) {
                found.push_back(*one);
            }
        }
        return found;
    }
    template <typename Message>
    std::vector<Message> said() {
        return of<Message>(messages());
    }
    static Errc code(const Outcome& outcome) {
        REQUIRE(*outcome);
        REQUIRE_FALSE(**outcome);
        return (*outcome)->error().code;
    }

    std::vector<Result<std::uint64_t>> served;
    std::vector<Called> called;
};

}  // namespace

TEST_CASE("session: a request to a service waits for a connection and its reply", "[client]") {
    Served f;
    const auto early = f.ask();
    CHECK(f.said<msg::Request>().empty());
    f.welcome();
    const auto sent = f.said<msg::Request>();
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].service == "sum");
    CHECK_FALSE(*early);
    f.receive(msg::Reply{sent[0].id});
    REQUIRE(*early);
    CHECK(**early);
    f.receive(msg::Reply{sent[0].id});  // another time: for nobody
    const auto refused = f.ask();
    f.reject(f.said<msg::Request>().at(0).id, Errc::busy);
    CHECK(f.code(refused) == Errc::busy);  // whoever asks decides whether to ask again
    CHECK(f.said<msg::Request>().empty());
}

TEST_CASE("session: a request to a service is never sent twice", "[client]") {
    Served f;
    f.welcome();
    const auto asked = f.ask();
    REQUIRE(f.said<msg::Request>().size() == 1);
    f.lose();
    CHECK(f.code(asked) == Errc::outcome_unknown);
    f.reconnect();
    f.welcome();
    CHECK(f.said<msg::Request>().empty());
}

TEST_CASE("session: requests to services end in time", "[client]") {
    Served f;
    const auto unsent = f.ask(2s);
    f.pass(1999ms);
    CHECK_FALSE(*unsent);
    f.pass(1ms);
    CHECK(f.code(unsent) == Errc::unreachable);
    f.reconnect();
    f.welcome();
    CHECK(f.said<msg::Request>().empty());
    const auto unanswered = f.ask(2s);
    f.pass(2s);
    CHECK_FALSE(*unanswered);  // the node says it first
    f.receive(msg::Heartbeat{});
    f.pass(500ms);
    CHECK(f.code(unanswered) == Errc::outcome_unknown);
    const auto open = f.ask();
    f.close();
    CHECK(f.code(open) == Errc::outcome_unknown);
}

TEST_CASE("session: a worker is served again after a reconnect", "[client]") {
    Served f;
    f.serve();
    f.welcome();
    const auto first = f.said<msg::Serve>();
    REQUIRE(first.size() == 1);
    CHECK(first[0].weight == 3);
    CHECK(f.served.empty());
    f.receive(msg::Done{first[0].id});
    REQUIRE(f.served.size() == 1);
    CHECK(*f.served[0] == first[0].id);
    f.lose();
    f.reconnect();
    f.welcome();
    const auto second = f.said<msg::Serve>();
    REQUIRE(second.size() == 1);
    CHECK(second[0] == first[0]);
    // Something is in the way for now.
    f.reject(second[0].id, Errc::busy);
    f.pass(100ms);
    CHECK(f.said<msg::Serve>().empty());
    f.pass(100ms);
    CHECK(f.said<msg::Serve>().size() == 1);
    f.receive(msg::Done{second[0].id});
    CHECK(f.served.size() == 1);  // told once
    f.session().unserve(second[0].id);
    f.take();
    CHECK(f.said<msg::Unserve>().at(0).worker == second[0].id);
    f.lose();
    f.reconnect();
    f.welcome();
    CHECK(f.said<msg::Serve>().empty());
}

TEST_CASE("session: a worker that is refused or never known is told", "[client]") {
    Served f;
    f.welcome();
    f.serve();
    f.reject(f.said<msg::Serve>().at(0).id, Errc::forbidden);
    REQUIRE(f.served.size() == 1);
    CHECK(f.served[0].error().code == Errc::forbidden);
    f.serve();
    f.lose();
    f.pass(10s);
    REQUIRE(f.served.size() == 2);
    CHECK(f.served[1].error().code == Errc::timed_out);
}

TEST_CASE("session: a worker that nobody waits for any more does not stay with the node",
          "[client]") {
    Served f;
    f.welcome();
    f.serve();
    const auto id = f.said<msg::Serve>().at(0).id;
    for (int i = 0; i < 10; ++i) {
        f.pass(1s);
        f.receive(msg::Heartbeat{});
    }
    REQUIRE(f.served.size() == 1);
    CHECK(f.served[0].error().code == Errc::timed_out);
    const auto ended = f.said<msg::Unserve>();
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].worker == id);
}

TEST_CASE("session: a request that waited has the time that is left", "[client]") {
    Served f;
    const auto asked = f.ask();
    f.pass(4s);
    f.reconnect();
    f.welcome();
    const auto sent = f.said<msg::Request>();
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].deadline_ms <= 6000);
    CHECK(sent[0].deadline_ms > 5000);
}

TEST_CASE("session: calls reach their worker, responses their connection", "[client]") {
    Served f;
    f.welcome();
    f.serve();
    const auto id = f.said<msg::Serve>().at(0).id;
    f.receive(msg::Done{id});
    f.receive(msg::Call{id, 7, 500});
    REQUIRE(f.called.size() == 1);
    CHECK(f.called[0].number == 7);
    CHECK(f.called[0].left_ms == 500);
    f.session().respond({id, 7, f.called[0].connection, std::string("that")});
    f.take();
    const auto responses = f.said<msg::Respond>();
    REQUIRE(responses.size() == 1);
    CHECK_FALSE(responses[0].error);
    // To a worker that has ended: the node hears of that anyhow, and would take it as malformed.
    f.receive(msg::Call{id + 100, 8, 500});
    f.session().respond({id + 100, 8, f.called[0].connection, std::string("that")});
    f.take();
    CHECK(f.called.size() == 1);
    CHECK(f.said<msg::Respond>().empty());
    // One of the connection before would be taken for something else.
    f.receive(msg::Call{id, 9, 500});
    f.lose();
    f.reconnect();
    f.welcome();
    f.session().respond({id, 9, f.called[1].connection, std::string("late")});
    f.take();
    CHECK(f.said<msg::Respond>().empty());
}

}  // namespace skald::client
