#include "coord/http_client.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <mutex>
#include <thread>

#include "coord/limits.h"
#include "tests/await.h"

namespace skald::coord {
namespace {

using namespace std::chrono_literals;

// Answers each request in turn with the next of its replies: an empty one closes the connection.
class FakeServer {
  public:
    explicit FakeServer(std::vector<std::string> replies) : replies_(std::move(replies)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(::bind(listener_, generic, length) == 0);
        REQUIRE(::listen(listener_, 1024) == 0);
        REQUIRE(::getsockname(listener_, generic, &length) == 0);
        url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
        thread_ = std::thread([this] { run(); });
    }
    ~FakeServer() {
        ::shutdown(listener_, SHUT_RDWR);
        close_connection();
        thread_.join();
        ::close(listener_);
    }
    FakeServer(const FakeServer&) = delete;
    FakeServer& operator=(const FakeServer&) = delete;

    void close_connection() {
        if (const int open = open_; open >= 0) {
            ::shutdown(open, SHUT_RDWR);
        }
    }
    const std::string& url() const { return url_; }
    int requests() const { return requests_; }
    std::string last_request() {
        const std::lock_guard lock(mutex_);
        return last_;
    }

  private:
    void run() {
        for (int peer = 0; (peer = ::accept(listener_, nullptr, nullptr)) >= 0;) {
            open_ = peer;
            while (serve(peer)) {
            }
            open_ = -1;
            ::close(peer);
        }
    }
    bool serve(int peer) {
        std::string text;
        std::array<char, 4096> part{};
        while (!whole(text)) {
            const ssize_t got = ::read(peer, part.data(), part.size());
            if (got <= 0) {
                return false;
            }
            text.append(part.data(), static_cast<std::size_t>(got));
        }
        {
            const std::lock_guard lock(mutex_);
            last_ = text;
        }
        const auto at = static_cast<std::size_t>(requests_++);
        const std::string reply = at < replies_.size() ? replies_[at] : "";
        return !reply.empty() && ::send(peer, reply.data(), reply.size(), MSG_NOSIGNAL) > 0;
    }
    static bool whole(const std::string& text) {
        const auto body = text.find("\r\n\r\n");
        const auto field = text.find("Content-Length: ");
        return body != std::string::npos && field < body &&
               text.size() >= body + 4 + std::stoul(text.substr(field + 16));
    }

    const std::vector<std::string> replies_;
    int listener_ = -1;
    std::string url_;
    std::atomic<int> requests_{0};
    std::atomic<int> open_{-1};
    std::mutex mutex_;
    std::string last_;
    std::thread thread_;
};

std::string answer(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
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
    CHECK((end.status == 0 && !end.why.empty()));
}

TEST_CASE("http client: only so many at a time", "[coord]") {
    FakeServer server({});
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

}  // namespace skald::coord
