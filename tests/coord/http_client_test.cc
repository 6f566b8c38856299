#include "coord/http_client.h"

#include <dlfcn.h>
#include <netdb.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <mutex>
#include <string_view>

#include "coord/limits.h"
#include "tests/await.h"
#include "tests/coord/fake_server.h"

namespace {

std::atomic<bool> name_asked{false};
std::atomic<bool> name_held{true};

}  // namespace

// In the place of the system's, for one name of which nothing is known for a long time.
extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints,
                           addrinfo** found) {
    if (name != nullptr && name == std::string_view("slow.test")) {
        name_asked = true;
        name_held.wait(true);
        return EAI_AGAIN;
    }
    static const auto real =
        reinterpret_cast<decltype(&getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    return real(name, service, hints, found);
}

namespace skald::coord {
namespace {

using namespace std::chrono_literals;

const std::string kStreamHead = "HTTP/1.1 200 OK\r\n\r\n";

struct Desk {
    HttpEnd post(const std::string& url, bool repeatable = false,
                 std::chrono::milliseconds timeout = 60s) const {
        std::promise<HttpEnd> ended;
        http->post({url, "{}", {"X-Mine: yes"}, timeout, repeatable},
                   [&](HttpEnd end) { ended.set_value(std::move(end)); });
        return ended.get_future().get();
    }
    std::unique_ptr<HttpClient> http = std::move(*HttpClient::start({}));
};

}  // namespace

TEST_CASE("http client: a post and its reply", "[coord]") {
    FakeServer server({answer("hello"), "HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\n{}"});
    const Desk desk;
    const HttpEnd good = desk.post(server.url() + "/v3/x");
    CHECK((good.status == 200 && good.body == "hello" && good.sent));
    CHECK(server.last_request().starts_with("POST /v3/x HTTP/1.1\r\n"));
    CHECK(server.last_request().find("\r\nX-Mine: yes\r\n") != std::string::npos);
    CHECK(server.last_request().ends_with("\r\n\r\n{}"));
    const HttpEnd bad = desk.post(server.url() + "/v3/x");
    CHECK((bad.status == 503 && bad.body == "{}"));
}

TEST_CASE("http client: what must not be done twice is never sent again", "[coord]") {
    FakeServer server({answer("1"), "", answer("3")});
    const Desk desk;
    CHECK(desk.post(server.url()).body == "1");
    const HttpEnd lost = desk.post(server.url());
    CHECK((lost.status == 0 && lost.sent && !lost.why.empty()));
    CHECK(server.requests() == 2);
}

TEST_CASE("http client: what may be is, when a kept connection broke", "[coord]") {
    FakeServer server({answer("1"), "", answer("3")});
    const Desk desk;
    CHECK(desk.post(server.url()).body == "1");
    CHECK(desk.post(server.url(), true).body == "3");
    CHECK(server.requests() == 3);
}

TEST_CASE("http client: nobody there, and nobody who answers", "[coord]") {
    const Desk desk;
    std::string gone;
    {
        const FakeServer server({});
        gone = server.url();
    }
    const HttpEnd refused = desk.post(gone);
    CHECK((refused.status == 0 && !refused.sent && !refused.timed_out && !refused.why.empty()));
    CHECK_FALSE(desk.post("file:///etc/hostname").sent);
    FakeServer silent({"HTTP/1.1 200 OK\r\n"});
    const HttpEnd late = desk.post(silent.url(), false, 300ms);
    CHECK((late.status == 0 && late.sent && late.timed_out));
}

TEST_CASE("http client: a reply line by line", "[coord]") {
    FakeServer server({kStreamHead + "one\ntw" + "o\nthe rest", ""});
    const Desk desk;
    std::vector<std::string> lines;
    std::atomic<int> count{0};
    std::promise<HttpEnd> ended;
    desk.http->stream(
        {server.url(), "{}", {}, 0ms, false},
        [&](std::string line) {
            lines.push_back(std::move(line));
            return ++count > 0;
        },
        [&](HttpEnd end) { ended.set_value(std::move(end)); });
    await([&] { return count == 2; });
    server.close_connection();
    const HttpEnd end = ended.get_future().get();
    CHECK(lines == std::vector<std::string>{"one", "two"});
    CHECK((end.status == 200 && end.body == "the rest"));
}

TEST_CASE("http client: a reader may end a stream, or cancel it", "[coord]") {
    FakeServer server({kStreamHead + "one\ntwo\n"});
    const Desk desk;
    SECTION("by its answer") {
        int lines = 0;
        std::promise<HttpEnd> ended;
        desk.http->stream(
            {server.url(), "{}", {}, 0ms, false}, [&](const std::string&) { return ++lines < 1; },
            [&](HttpEnd end) { ended.set_value(std::move(end)); });
        CHECK(ended.get_future().get().status == 0);
        CHECK(lines == 1);
    }
    SECTION("from outside") {
        auto held = std::make_shared<int>(0);
        std::atomic<int> lines{0};
        const auto id = desk.http->stream(
            {server.url(), "{}", {}, 0ms, false},
            [held, &lines](const std::string&) { return ++lines > 0; }, [held](const HttpEnd&) {});
        await([&] { return lines == 2; });
        CHECK(held.use_count() > 1);
        desk.http->cancel(id);
        await([&] { return held.use_count() == 1; });
    }
}

TEST_CASE("http client: a line without end", "[coord]") {
    FakeServer server({kStreamHead + std::string(kHttpLineBytesMax + 1, 'x')});
    const Desk desk;
    std::promise<HttpEnd> ended;
    desk.http->stream(
        {server.url(), "{}", {}, 0ms, false}, [](const std::string&) { return true; },
        [&](HttpEnd end) { ended.set_value(std::move(end)); });
    const HttpEnd end = ended.get_future().get();
    CHECK((end.status == 0 && end.too_large && !end.why.empty()));
}

TEST_CASE("http client: a reply that is too large", "[coord]") {
    FakeServer server({answer(std::string(kHttpReplyBytesMax, 'x')),
                       answer(std::string(kHttpReplyBytesMax + 1, 'x'))});
    const Desk desk;
    const HttpEnd good = desk.post(server.url());
    CHECK((good.status == 200 && good.body.size() == kHttpReplyBytesMax));
    const HttpEnd bad = desk.post(server.url());
    CHECK((bad.status == 0 && bad.too_large && bad.sent));
}

TEST_CASE("http client: only so many at a time", "[coord]") {
    FakeServer server({});
    server.hold();
    auto desk = std::make_unique<Desk>();
    const auto ignore = [](const HttpEnd&) {};
    for (std::size_t i = 0; i < kHttpRequestsMax; ++i) {
        // It looks at one connection only.
        desk->http->stream(
            {server.url(), "{}", {}, 0ms, false}, [](const std::string&) { return true; }, ignore);
    }
    CHECK(desk->post(server.url()).busy);
    desk.reset();  // what is under way is dropped
}

TEST_CASE("http client: whose name nobody knows holds up nobody else", "[coord]") {
    FakeServer server({answer("1")});
    const Desk desk;
    std::promise<HttpEnd> slow;
    std::promise<HttpEnd> other;
    desk.http->post({"http://slow.test:1", "{}", {}, 200ms, false},
                    [&](HttpEnd end) { slow.set_value(std::move(end)); });
    await([] { return name_asked.load(); });
    auto ended = slow.get_future();
    const bool in_time = ended.wait_for(20s) == std::future_status::ready;
    desk.http->post({server.url(), "{}", {}, 60s, false},
                    [&](HttpEnd end) { other.set_value(std::move(end)); });
    auto answered = other.get_future();
    const bool answers = answered.wait_for(20s) == std::future_status::ready;
    name_held = false;
    name_held.notify_all();
    CHECK(in_time);
    CHECK(answers);
    const HttpEnd end = ended.get();
    CHECK((end.timed_out && !end.sent));
    CHECK(answered.get().body == "1");
}

}  // namespace skald::coord
