#include "tests/hostile/capture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include <catch2/catch.hpp>

#include "base/clock.h"
#include "tests/hostile/raw_peer.h"

namespace skald::hostile {
namespace {

namespace msg = wire::msg;
using namespace std::chrono_literals;

constexpr auto kPatience = 30s;

// The id of a request that has a final answer, and of that answer.
template <typename Message>
std::uint64_t id_of(const Message& message) {
    if constexpr (requires { message.id; }) {
        return message.id;
    } else if constexpr (requires { message.subscription; }) {
        return message.subscription;
    } else if constexpr (requires { message.ranges; }) {
        return message.ranges.empty() ? 0 : message.ranges.back().first_id;
    } else {
        return 0;
    }
}

bool is_final(const msg::FromNode& message, bool of_subscribe) {
    if (of_subscribe) {
        return std::holds_alternative<msg::CaughtUp>(message) ||
               std::holds_alternative<msg::Ended>(message) ||
               std::holds_alternative<msg::Rejected>(message);
    }
    return !std::holds_alternative<msg::Deliver>(message) &&
           !std::holds_alternative<msg::Checkpoint>(message) &&
           !std::holds_alternative<msg::CaughtUp>(message) &&
           !std::holds_alternative<msg::FellBehind>(message) &&
           !std::holds_alternative<msg::Ephemeral>(message) &&
           !std::holds_alternative<msg::Dropped>(message) &&
           !std::holds_alternative<msg::Heartbeat>(message);
}

}  // namespace

CapturingClient::CapturingClient(const std::string& endpoint, const KeyPair& keys,
                                 const std::string& server_key, const Uuid& producer)
    : socket_(wire::shared_zmq_context(), wire::ZmqKind::dealer) {
    if (!server_key.empty()) {
        REQUIRE(socket_.set_key(ZMQ_CURVE_SERVERKEY, server_key));
        REQUIRE(socket_.set_key(ZMQ_CURVE_PUBLICKEY, keys.public_key));
        REQUIRE(socket_.set_key(ZMQ_CURVE_SECRETKEY, keys.secret_key));
    }
    REQUIRE(socket_.connect(endpoint));
    msg::Hello hello;
    hello.producer = producer;
    say(hello);
    await([](const msg::FromNode& m) { return std::holds_alternative<msg::Welcome>(m); });
}

void CapturingClient::say(const msg::FromClient& message, std::string_view body) {
    const bool more = !body.empty();
    REQUIRE(socket_.send(wire::ZmqMessage(encoder_.encode(message)), more) ==
            wire::SendResult::sent);
    if (more) {
        REQUIRE(socket_.send(wire::ZmqMessage(as_bytes(body)), false) == wire::SendResult::sent);
    }
}

msg::FromNode CapturingClient::await(const std::function<bool(const msg::FromNode&)>& done) {
    const Monotonic end = SystemClock::instance().monotonic() + kPatience;
    wire::ZmqMessage part;
    std::vector<std::uint64_t> aligned;
    for (bool first = true; SystemClock::instance().monotonic() < end;) {
        if (!socket_.receive(part)) {
            wire::poll_sockets(socket_, nullptr, nobody_, 100);
            continue;
        }
        captured_.append(as_text(part.bytes()));
        if (std::exchange(first, !part.more())) {
            aligned.resize(part.bytes().size() / sizeof(std::uint64_t) + 1);
            std::memcpy(aligned.data(), part.bytes().data(), part.bytes().size());
            auto message = wire::decode_from_node(
                std::as_bytes(std::span(aligned)).first(part.bytes().size()));
            REQUIRE(message);
            if (const auto* goodbye = std::get_if<msg::Goodbye>(&*message)) {
                FAIL("the node said goodbye: " << goodbye->error.message);
            }
            if (done(*message)) {
                while (part.more() && socket_.receive(part)) {
                    captured_.append(as_text(part.bytes()));
                }
                return std::move(*message);
            }
        }
    }
    FAIL("no answer from the node");
    return {};
}

msg::FromNode CapturingClient::ask(const msg::FromClient& message, std::string_view body) {
    say(message, body);
    const std::uint64_t id = std::visit([](const auto& m) { return id_of(m); }, message);
    const bool of_subscribe = std::holds_alternative<msg::Subscribe>(message);
    return await([&](const msg::FromNode& answer) {
        return is_final(answer, of_subscribe) &&
               std::visit([](const auto& m) { return id_of(m); }, answer) == id;
    });
}

Tap::Tap(const std::string& endpoint) : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(listener_, 1) == 0);
    thread_ = std::thread([this, endpoint] { run(endpoint); });
}

Tap::~Tap() {
    stop_ = true;
    thread_.join();
    close(listener_);
}

std::string Tap::endpoint() const {
    sockaddr_in address{};
    socklen_t bytes = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &bytes);
    return "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

std::string Tap::captured() const {
    const std::lock_guard lock(mutex_);
    return captured_;
}

void Tap::run(const std::string& endpoint) {
    pollfd asked{listener_, POLLIN, 0};
    while (!stop_ && poll(&asked, 1, 100) == 0) {
    }
    if (stop_) {
        return;
    }
    const int client = accept(listener_, nullptr, nullptr);
    const auto node = RawPeer::connect(endpoint);
    char buffer[65536];
    const auto pass = [&](int from, int to) {
        const ssize_t n = recv(from, buffer, sizeof buffer, MSG_DONTWAIT);
        for (ssize_t sent = 0; sent < n;) {
            pollfd room{to, POLLOUT, 0};
            poll(&room, 1, 1000);
            sent += std::max<ssize_t>(
                send(to, buffer + sent, static_cast<std::size_t>(n - sent), MSG_NOSIGNAL), 0);
        }
        return n;
    };
    while (!stop_ && node != nullptr) {
        pollfd both[] = {{client, POLLIN, 0}, {node->fd(), POLLIN, 0}};
        poll(both, 2, 100);
        if ((both[0].revents != 0 && pass(client, node->fd()) == 0)) {
            break;
        }
        const ssize_t n = both[1].revents != 0 ? pass(node->fd(), client) : -1;
        const std::lock_guard lock(mutex_);
        captured_.append(buffer, static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
        if (n == 0) {
            break;
        }
    }
    close(client);
}

}  // namespace skald::hostile
