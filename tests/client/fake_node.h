// A node that a test scripts: it welcomes, and hands everything else to the test.
#pragma once

#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <thread>

#include "tests/temp_directory.h"
#include "wire/envelope.h"
#include "wire/zmq/socket.h"

namespace skald::client {

class FakeNode {
  public:
    // On the node's thread.
    using OnMessage = std::function<void(FakeNode&, const wire::msg::FromClient&)>;

    explicit FakeNode(OnMessage on_message)
        : on_message_(std::move(on_message)),
          socket_(wire::shared_zmq_context(), wire::ZmqKind::router) {
        REQUIRE(socket_.open());
        REQUIRE(socket_.bind(endpoint()));
        thread_ = std::thread([this] { run(); });
    }
    ~FakeNode() {
        stop_ = true;
        waker_.wake();
        thread_.join();
    }
    FakeNode(const FakeNode&) = delete;
    FakeNode& operator=(const FakeNode&) = delete;

    std::string endpoint() const { return "ipc://" + directory_.path("node"); }

    // To whom spoke last.
    void send(const wire::msg::FromNode& message) {
        send_raw(std::string(as_text(encoder_.encode(message))));
    }
    void send_raw(const std::string& envelope) {
        (void)socket_.send(wire::ZmqMessage(as_bytes(peer_)), true);
        (void)socket_.send(wire::ZmqMessage(as_bytes(envelope)), false);
    }

  private:
    void run() {
        while (!stop_) {
            wire::poll_sockets(socket_, nullptr, waker_, -1);
            wire::ZmqMessage part;
            while (socket_.receive(part)) {
                peer_ = as_text(part.bytes());
                take();
            }
        }
    }
    void take() {
        wire::ZmqMessage part;
        if (!socket_.receive(part)) {
            return;
        }
        std::vector<std::uint64_t> frame(part.bytes().size() / 8 + 1);
        std::memcpy(frame.data(), part.bytes().data(), part.bytes().size());
        const auto message = wire::decode_from_client(
            {reinterpret_cast<const std::byte*>(frame.data()), part.bytes().size()});
        for (bool more = part.more(); more && socket_.receive(part); more = part.more()) {
        }
        if (!message) {
            return;
        }
        if (std::holds_alternative<wire::msg::Hello>(*message)) {
            welcome();
        } else {
            on_message_(*this, *message);
        }
    }
    void welcome() {
        wire::msg::Welcome welcome;
        welcome.partitions = {{Partition{}, Uuid{}, Epoch{1}, Offset{}}};
        welcome.credit_bytes = 1 << 20;
        welcome.credit_requests = 100;
        welcome.heartbeat_ms = 60'000;
        welcome.expiry_ms = 60'000;
        send(welcome);
    }

    TempDirectory directory_;
    OnMessage on_message_;
    wire::ZmqSocket socket_;
    wire::EnvelopeEncoder encoder_;
    wire::Waker waker_;
    std::string peer_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

}  // namespace skald::client
