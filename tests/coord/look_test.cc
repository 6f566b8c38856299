#include "coord/look.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>
#include <thread>
#include <utility>

namespace skald::coord {
namespace {

using namespace std::chrono_literals;

// A socket on 127.0.0.1 that takes connections, with a thread that answers one if asked to.
class Listener {
  public:
    Listener() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const any = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(::bind(socket_, any, size) == 0);
        REQUIRE(::listen(socket_, 8) == 0);
        REQUIRE(::getsockname(socket_, any, &size) == 0);
        port_ = std::to_string(ntohs(address.sin_port));
    }
    ~Listener() {
        if (thread_.joinable()) {
            thread_.join();
        }
        ::close(socket_);
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    // The next connection gets this answer once its request came.
    void answer(std::string text) {
        if (thread_.joinable()) {
            thread_.join();
        }
        thread_ = std::thread([this, text = std::move(text)] {
            const int peer = ::accept(socket_, nullptr, nullptr);
            asked_.clear();
            char buffer[1024];
            while (asked_.find("\r\n\r\n") == std::string::npos) {
                const auto got = ::recv(peer, buffer, sizeof buffer, 0);
                if (got <= 0) {
                    break;
                }
                asked_.append(buffer, static_cast<std::size_t>(got));
            }
            (void)::send(peer, text.data(), text.size(), MSG_NOSIGNAL);
            ::close(peer);
        });
    }
    std::string asked() {
        thread_.join();
        return asked_;
    }
    const std::string& port() const { return port_; }

  private:
    int socket_;
    std::string port_;
    std::string asked_;
    std::thread thread_;
};

Probe tcp(std::string target, std::chrono::milliseconds timeout = 60s) {
    return {Probe::Kind::tcp, std::move(target), 60s, timeout};
}

Probe http(std::string target, std::chrono::milliseconds timeout = 60s) {
    return {Probe::Kind::http, std::move(target), 60s, timeout};
}

// What it ended with; empty: well.
std::string seen(const Probe& probe, Errc code = Errc::unreachable) {
    const auto outcome = look(probe, {});
    if (!outcome) {
        CHECK(outcome.error().code == code);
    }
    return outcome ? "" : outcome.error().message;
}

}  // namespace

TEST_CASE("look: the targets of probes", "[coord]") {
    CHECK(*target_of(tcp("h:1")) == Target{"h", 1, "", ""});
    CHECK(*target_of(tcp("[::1]:65535")) == Target{"::1", 65535, "", ""});
    CHECK(*target_of(http("http://h/a?b")) == Target{"h", 80, "h", "/a?b"});
    CHECK(*target_of(http("http://h:8080")) == Target{"h", 8080, "h:8080", "/"});
    CHECK(*target_of(http("http://[::1]/")) == Target{"::1", 80, "[::1]", "/"});
    CHECK(*target_of(http("http://[::1]:81/x")) == Target{"::1", 81, "[::1]:81", "/x"});
    for (const char* target : {"", "h", ":1", "h:", "h:0", "h:65536", "h:1x", "h:-1", "h:1:2",
                               "h 1", "[::1]", "[::1:1", "[]:1", "[::1]x1", "h\n:1", "::1:1"}) {
        INFO(target);
        CHECK(target_of(tcp(target)).error().code == Errc::invalid_argument);
    }
    for (const char* target :
         {"", "h:1", "https://h/", "http://", "http:///a", "http://h:/", "http://h:0/",
          "http://h/a b", "http://h/a\r\nX: y", "http://h?a", "http://u@h:x/"}) {
        INFO(target);
        CHECK(target_of(http(target)).error().code == Errc::invalid_argument);
    }
    CHECK(look({Probe::Kind::request, "h:1", 1s, 1s}, {}).error().code == Errc::invalid_argument);
}

TEST_CASE("look: a port that takes connections, or does not", "[coord]") {
    std::string port;
    {
        const Listener listener;
        port = listener.port();
        CHECK(seen(tcp("127.0.0.1:" + port)).empty());
        CHECK(seen(tcp("localhost:" + port)).empty());
    }
    CHECK(seen(tcp("127.0.0.1:" + port)) == "Connection refused");
    CHECK(seen(http("http://127.0.0.1:" + port + "/")) == "Connection refused");
}

TEST_CASE("look: an HTTP answer of 200-299", "[coord]") {
    Listener listener;
    const Probe probe = http("http://127.0.0.1:" + listener.port() + "/health?deep=1");
    const auto answered = [&](const std::string& text) {
        listener.answer(text);
        return seen(probe);
    };
    CHECK(answered("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes").empty());
    CHECK(answered("HTTP/1.0 299 Fine\r\n\r\n").empty());
    CHECK(answered("HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n").empty());
    CHECK(answered("HTTP/1.1 300 No\r\n\r\n") == "HTTP status 300");
    CHECK(answered("HTTP/1.1 503 No\r\n\r\n") == "HTTP status 503");
    CHECK(answered("HTTP/1.1 101 No\r\n\r\n") == "HTTP status 101");
    CHECK_FALSE(answered("").empty());
    CHECK_FALSE(answered("HTTP/1.1 200 OK\r\n").empty());
    CHECK_FALSE(answered("SSH-2.0-OpenSSH\r\n\r\n").empty());
    const auto long_head = [&](std::size_t bytes) {
        return answered("HTTP/1.1 200 OK\r\nX: " + std::string(bytes, 'x') + "\r\n\r\n");
    };
    CHECK(long_head(15000).empty());
    CHECK_FALSE(long_head(17000).empty());
    const std::string asked = listener.asked();
    CHECK(asked.starts_with("GET /health?deep=1 HTTP/1.1\r\n"));
    CHECK(asked.find("Host: 127.0.0.1:" + listener.port() + "\r\n") != std::string::npos);
}

TEST_CASE("look: waits no longer than it may", "[coord]") {
    const Listener listener;  // takes the connection, and never answers
    const std::string target = "http://127.0.0.1:" + listener.port() + "/";
    CHECK(seen(http(target, 10ms), Errc::timed_out) == "no answer within 10 ms");
    std::stop_source stop;
    std::thread stops([&] { stop.request_stop(); });
    CHECK(look(http(target, 1h), stop.get_token()).error().code == Errc::timed_out);
    stops.join();
    CHECK_FALSE(look(tcp("127.0.0.1:" + listener.port()), stop.get_token()));
}

}  // namespace skald::coord
