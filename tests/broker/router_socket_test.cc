// What the node's socket holds for peers that do not read.
#include "broker/transport/router_socket.h"

#include <zmq.h>

#include <atomic>
#include <catch2/catch.hpp>

#include "broker/limits.h"
#include "broker/transport/send_room.h"
#include "tests/broker/router_fixture.h"
#include "wire/zmq/socket.h"

namespace skald::broker {
namespace {

// A socket and a peer in this process: what the peer has not received is not gone.
struct Line {
    explicit Line(const std::string& name)
        : peer_socket(wire::shared_zmq_context(), wire::ZmqKind::dealer) {
        auto opened = RouterSocket::open(
            {}, [this] { ++wakes; }, limits::kMiB);
        REQUIRE(opened);
        socket = std::move(*opened);
        REQUIRE(socket->bind("inproc://" + name));
        peer_socket.set(ZMQ_RCVHWM, 1000);
        REQUIRE(peer_socket.connect("inproc://" + name));
        wire::EnvelopeEncoder encoder;
        const Bytes hello = encoder.encode(msg::FromClient(msg::Heartbeat{}));
        REQUIRE(peer_socket.send(wire::ZmqMessage(hello), false) == wire::SendResult::sent);
        std::vector<Arrival> arrivals;
        socket->drain(f.router(), arrivals);
        REQUIRE(arrivals.size() == 1);
        peer = arrivals[0].peer;
        f.router().arena().release(arrivals[0].envelope.block);
    }
    void read_all() {
        wire::ZmqMessage message;
        while (peer_socket.receive(message)) {
            message = wire::ZmqMessage();
        }
    }

    std::atomic<int> wakes{0};
    RouterFixture f;
    std::unique_ptr<RouterSocket> socket;
    wire::ZmqSocket peer_socket;
    PeerId peer = 0;
};

msg::StreamListAnswer long_list() {
    msg::StreamListAnswer answer;
    for (int i = 0; i < 1000; ++i) {
        answer.list.streams.emplace_back();
        answer.list.streams.back().name = std::string(200, 'n');
    }
    return answer;
}

}  // namespace

TEST_CASE("router socket: envelopes and small bodies are counted until they are gone", "[broker]") {
    Line line("counted");
    REQUIRE(line.socket->send({line.peer, long_list(), {}}));
    CHECK(line.socket->queued_bytes() > 200'000);
    const std::size_t before = line.socket->queued_bytes();
    const auto body = std::make_shared<const std::string>(1000, 'b');
    REQUIRE(line.socket->send({line.peer, msg::Deliver{}, {body}}));
    CHECK(line.socket->queued_bytes() == before + 1000);
    line.read_all();
    CHECK(line.socket->queued_bytes() == 0);
    REQUIRE(line.socket->send({line.peer, msg::Heartbeat{}, {}}));
    CHECK(line.socket->queued_bytes() == 0);
}

TEST_CASE("router socket: a message of too many frames is discarded", "[broker]") {
    Line line("frames");
    const auto arrivals_of = [&](std::size_t frames) {
        for (std::size_t i = 0; i < frames; ++i) {
            REQUIRE(line.peer_socket.send(wire::ZmqMessage(as_bytes("x")), i + 1 < frames) ==
                    wire::SendResult::sent);
        }
        std::vector<Arrival> arrivals;
        line.socket->drain(line.f.router(), arrivals);
        for (const Arrival& arrival : arrivals) {
            line.f.router().arena().release(arrival.envelope.block);
            if (arrival.body.block != nullptr) {
                line.f.router().arena().release(arrival.body.block);
            }
        }
        return arrivals.size();
    };
    CHECK(arrivals_of(kMessageFramesMax) == 1);
    CHECK(line.socket->refused() == 0);
    CHECK(arrivals_of(kMessageFramesMax + 1) == 0);
    CHECK(line.socket->refused() == 1);
}

TEST_CASE("router socket: a peer without room gets a wake when it has some", "[broker]") {
    Line line("woken");
    while (line.socket->room(line.peer, 2) != 0) {
        REQUIRE(line.socket->send({line.peer, long_list(), {}}));
    }
    CHECK(line.socket->queued_bytes() < limits::kMiB);
    CHECK(line.socket->room(line.peer + 1, 2) >= limits::kPeerSendFloor / 2);
    const int before = line.wakes;
    line.read_all();
    CHECK(line.wakes > before);
    CHECK(line.socket->room(line.peer, 2) != 0);
}

TEST_CASE("router socket: a peer has room for so many messages with bodies", "[broker]") {
    Line line("messages");
    const auto body = std::make_shared<const std::string>("small");
    std::size_t sent = 0;
    while (line.socket->room(line.peer, 2) != 0) {
        REQUIRE(line.socket->send({line.peer, msg::Deliver{}, {body}}));
        REQUIRE(++sent <= kPeerBodiesMax + 2000);
    }
    CHECK(sent >= kPeerBodiesMax);
    line.socket->sweep();
    CHECK(line.socket->room(line.peer, 2) == 0);
    const int before = line.wakes;
    line.read_all();
    CHECK(line.wakes > before);
    CHECK(line.socket->room(line.peer, 2) != 0);
    CHECK(line.socket->queued_bytes() == 0);
}

TEST_CASE("router socket: a peer that never reads cannot be sent to for ever", "[broker]") {
    Line line("full");
    int sent = 0;
    while (line.socket->send({line.peer, msg::Heartbeat{}, {}})) {
        REQUIRE(++sent <= limits::kPeerMessagesMax + 2000);
    }
    CHECK(sent >= limits::kPeerMessagesMax / 2);
}

TEST_CASE("router socket: peers faster than the node are held up until it took all", "[broker]") {
    Line line("held");
    wire::EnvelopeEncoder encoder;
    constexpr std::size_t kMany = 2 * kBehindMessagesMax;
    const auto send = [&](std::size_t messages) {
        for (std::size_t i = 0; i < messages; ++i) {
            REQUIRE(line.peer_socket.send(
                        wire::ZmqMessage(encoder.encode(msg::FromClient(msg::Heartbeat{}))),
                        false) == wire::SendResult::sent);
        }
    };
    const auto drain = [&] {
        std::vector<Arrival> arrivals;
        line.socket->drain(line.f.router(), arrivals);
        for (const Arrival& arrival : arrivals) {
            line.f.router().arena().release(arrival.envelope.block);
        }
        return arrivals.size();
    };
    send(kRoundMessagesMax);
    while (drain() != 0) {
    }
    CHECK(line.socket->holds() == 0);
    for (const std::uint64_t holds : {1, 2}) {
        send(kMany);
        std::size_t taken = 0;
        for (std::size_t n = 1; n != 0; taken += n) {
            n = drain();
        }
        CHECK(taken == kMany);
        CHECK(line.socket->holds() == holds);
    }
}

}  // namespace skald::broker
