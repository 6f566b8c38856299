#include "client/transport/dealer_socket.h"

#include <zmq.h>

namespace skald::client {
namespace {

namespace msg = wire::msg;
using wire::ZmqMessage;
using wire::ZmqSocket;

constexpr int kBroken = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_CONNECT_RETRIED |
                        ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                        ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
constexpr std::int64_t kMessageBytesMax = std::int64_t{64} << 20;
constexpr int kReconnectMs = 1000;  // the socket is given up long before

Body body_of(ZmqMessage&& part, bool copy) {
    if (copy) {
        auto bytes = std::make_shared<const std::string>(as_text(part.bytes()));
        return {as_bytes(*bytes), bytes};
    }
    auto held = std::make_shared<ZmqMessage>(std::move(part));
    return {held->bytes(), held};
}

}  // namespace

Result<std::unique_ptr<DealerSocket>> DealerSocket::connect(const std::string& server,
                                                            const CurveClient& curve) {
    ZmqSocket socket(wire::shared_zmq_context(), wire::ZmqKind::dealer);
    if (!socket.open()) {
        return Error(Errc::unreachable, "no socket can be made: too many are open");
    }
    socket.set(ZMQ_SNDHWM, 0);
    socket.set(ZMQ_MAXMSGSIZE, kMessageBytesMax);
    socket.set(ZMQ_HEARTBEAT_IVL, 0);
    socket.set(ZMQ_RECONNECT_IVL, kReconnectMs);
    if (!curve.server_key.empty()) {
        const std::pair<int, const std::string&> keys[] = {{ZMQ_CURVE_SERVERKEY, curve.server_key},
                                                           {ZMQ_CURVE_PUBLICKEY, curve.public_key},
                                                           {ZMQ_CURVE_SECRETKEY, curve.secret_key}};
        for (const auto& [option, key] : keys) {
            if (auto ok = socket.set_key(option, key); !ok) {
                return ok.error();
            }
        }
    }
    ZmqSocket monitor = socket.monitor(kBroken);
    if (auto ok = socket.connect(server); !ok) {
        return ok.error();
    }
    const bool copies = server.starts_with("inproc://");
    return std::unique_ptr<DealerSocket>(
        new DealerSocket(std::move(socket), std::move(monitor), copies));
}

DealerSocket::DealerSocket(ZmqSocket socket, ZmqSocket monitor, bool copies)
    : socket_(std::move(socket)), monitor_(std::move(monitor)), copies_(copies) {}

bool DealerSocket::receive_body(Answer& answer) {
    ZmqMessage part;
    if (!socket_.receive(part)) {
        return false;
    }
    const bool more = part.more();
    answer.bodies.push_back(body_of(std::move(part), copies_));
    return more;
}

DealerSocket::Received DealerSocket::receive(Answer& answer) {
    if (!socket_.receive(part_)) {
        return Received::nothing;
    }
    Bytes frame = part_.bytes();
    if (!wire::aligned(frame)) {
        aligned_.resize(frame.size() / sizeof(std::uint64_t) + 1);
        std::memcpy(aligned_.data(), frame.data(), frame.size());
        frame = {reinterpret_cast<const std::byte*>(aligned_.data()), frame.size()};
    }
    auto message = wire::decode_from_node(frame);
    if (!message) {
        return Received::malformed;
    }
    answer.bodies.clear();
    for (bool more = part_.more(); more;) {
        more = receive_body(answer);
    }
    answer.message = std::move(*message);
    return Received::answer;
}

void DealerSocket::send(const Effects::Send& send) {
    const bool more = send.body != nullptr;
    (void)socket_.send(ZmqMessage(encoder_.encode(send.message)), more);
    if (more) {
        (void)socket_.send(ZmqMessage(as_bytes(*send.body)), false);
    }
}

void DealerSocket::send(const SequencedSend& send) {
    const Sequenced& call = *send.call;
    if (call.lifecycle) {
        const msg::ChangeStream change{send.id, send.resolved_below, send.after, call.partition,
                                       *call.lifecycle};
        (void)socket_.send(ZmqMessage(encoder_.encode(msg::FromClient(change))), false);
        return;
    }
    const bool inlined = call.request.size() <= wire::kInlineRequestBytesMax;
    msg::Append append{send.id, send.resolved_below, send.after, call.partition, {}};
    if (inlined) {
        append.request = as_bytes(call.request);
    }
    (void)socket_.send(ZmqMessage(encoder_.encode(append)), !inlined);
    if (!inlined) {
        (void)socket_.send(ZmqMessage(as_bytes(call.request)), false);
    }
}

std::optional<Error> DealerSocket::broken() {
    std::optional<Error> why;
    ZmqMessage part;
    // An event is its number and a value, and then a part with the endpoint.
    while (monitor_.open() && monitor_.receive(part)) {
        const bool refused =
            part.more() && part.bytes().size() >= sizeof(std::uint16_t) &&
            (load_le<std::uint16_t>(part.bytes().data()) & ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) != 0;
        if (refused) {
            why = Error(Errc::unauthenticated, "the server does not admit our key");
        } else if (!why) {
            why = Error(Errc::unreachable, "no server can be reached: is a node running there?");
        }
        while (part.more() && monitor_.receive(part)) {
        }
    }
    return why;
}

}  // namespace skald::client
