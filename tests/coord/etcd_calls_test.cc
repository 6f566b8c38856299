#include "coord/etcd_calls.h"

#include <catch2/catch.hpp>
#include <future>

#include "tests/await.h"
#include "tests/coord/fake_server.h"

namespace skald::coord {
namespace {

using namespace std::chrono_literals;

struct Desk {
    explicit Desk(const FakeServer& server) {
        options.endpoints = {server.url()};
        options.timeout = 60s;
        options.user = "me";
        options.password = "p";
    }
    EtcdOptions options;
    std::unique_ptr<HttpClient> http = std::move(*HttpClient::start({}));
    std::unique_ptr<EtcdCalls> calls;
    EtcdCalls& on() {
        calls = std::make_unique<EtcdCalls>(options, *http, SystemClock::instance());
        return *calls;
    }
};

}  // namespace

TEST_CASE("etcd calls: who watches does not wait for who it is", "[coord]") {
    FakeServer server({answer(R"({"token":"abc"})"), answer(R"({"token":"def"})")});
    server.hold();
    Desk desk(server);
    EtcdCalls& calls = desk.on();
    CHECK_FALSE(calls.request(0, "/v3/watch", "{}"));
    await([&] { return server.requests() == 1; });
    CHECK(server.last_request().starts_with("POST /v3/auth/authenticate "));
    // One is asked for at a time.
    CHECK_FALSE(calls.request(0, "/v3/watch", "{}"));
    server.go_on();
    std::optional<HttpRequest> request;
    await([&] { return (request = calls.request(0, "/v3/watch", "{}")).has_value(); });
    CHECK(request->headers == std::vector<std::string>{"Authorization: abc"});
    CHECK(request->url == server.url() + "/v3/watch");
    CHECK(server.requests() == 1);
    calls.forget_token();
    await([&] { return (request = calls.request(0, "/v3/watch", "{}")).has_value(); });
    CHECK(request->headers == std::vector<std::string>{"Authorization: def"});
    CHECK(server.requests() == 2);
}

TEST_CASE("etcd calls: an answer that comes when nobody calls any more", "[coord]") {
    const std::string last = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 15\r\n\r\n";
    FakeServer server({last + R"({"token":"abc"})", answer("{}")});
    server.hold();
    Desk desk(server);
    CHECK_FALSE(desk.on().request(0, "/v3/watch", "{}"));
    await([&] { return server.requests() == 1; });
    desk.calls.reset();
    server.go_on();
    std::promise<HttpEnd> ended;
    desk.http->post({server.url(), "{}", {}, 60s, false},
                    [&](HttpEnd end) { ended.set_value(std::move(end)); });
    CHECK(ended.get_future().get().status == 200);
}

TEST_CASE("etcd calls: a token that has ended is renewed once", "[coord]") {
    const std::string stale =
        R"({"error":"x","message":"etcdserver: invalid auth token","code":16})";
    SECTION("and the call is done") {
        FakeServer server({answer(R"({"token":"old"})"), answer(stale),
                           answer(R"({"token":"new"})"), answer("{}")});
        Desk desk(server);
        const auto reply = desk.on().ask(EtcdCalls::Of::change, "/v3/kv/txn", "{}");
        REQUIRE(reply);
        CHECK(*reply == "{}");
        CHECK(server.last_request().find("\r\nAuthorization: new\r\n") != std::string::npos);
    }
    SECTION("and no more often") {
        FakeServer server({answer(R"({"token":"old"})"), answer(stale),
                           answer(R"({"token":"new"})"), answer(stale), answer("{}")});
        Desk desk(server);
        const auto refused = desk.on().ask(EtcdCalls::Of::change, "/v3/kv/txn", "{}");
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == Errc::unauthenticated);
        CHECK(server.requests() == 4);
    }
}

TEST_CASE("etcd calls: an error says of each member what it said", "[coord]") {
    FakeServer first({""});
    FakeServer second({answer(R"({"error":"no","message":"no leader","code":14})")});
    Desk desk(first);
    desk.options.user.clear();
    desk.options.endpoints.push_back(second.url());
    const auto none = desk.on().ask(EtcdCalls::Of::reading, "/v3/kv/range", "{}");
    REQUIRE_FALSE(none);
    CHECK(none.error().code == Errc::not_ready);
    CHECK(none.error().message.starts_with("etcd at " + first.url() + ": "));
    CHECK(none.error().message.ends_with("; " + second.url() + ": no leader"));
    // A change that one may have done is asked of nobody else.
    const auto lost = desk.on().ask(EtcdCalls::Of::change, "/v3/kv/txn", "{}");
    REQUIRE_FALSE(lost);
    CHECK(lost.error().code == Errc::outcome_unknown);
    CHECK(second.requests() == 1);
}

}  // namespace skald::coord
