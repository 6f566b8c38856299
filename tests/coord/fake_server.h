// A server of HTTP that says what a test wants.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace skald::coord {

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
        go_on();
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
    // Nothing is answered until it goes on.
    void hold() { held_ = true; }
    void go_on() {
        held_ = false;
        held_.notify_all();
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
        held_.wait(true);
        std::string_view reply;
        if (at < replies_.size()) {
            reply = replies_[at];
        }
        bool sent = !reply.empty();
        while (sent && !reply.empty()) {
            const ssize_t length = ::send(peer, reply.data(), reply.size(), MSG_NOSIGNAL);
            sent = length > 0;
            reply.remove_prefix(sent ? static_cast<std::size_t>(length) : 0);
        }
        return sent;
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
    std::atomic<bool> held_{false};
    std::mutex mutex_;
    std::string last_;
    std::thread thread_;
};

inline std::string answer(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace skald::coord
