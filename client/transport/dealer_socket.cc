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
// A frame of its own costs less than another copy of this much.
constexpr std::size_t kInlineBytesMax = 4096;
constexpr int kReconnectMs = 1000;  // the socket is given up long before

Body body_of(ZmqMessage&& part, bool copy) {
    if (copy) {
        auto bytes = std::make_shared<const std::string>(as_text(part.bytes()));
        return {as_bytes(*bytes), bytes};
    }
    auto held = std::make_shared<ZmqMessage>(std::move(part));
    return {held->bytes(), held};
}

// Why, by an event of the monitor: its number and a value.
Error reason_of(Bytes event) {
    if (event.size() < sizeof(std::uint16_t) + sizeof(std::uint32_t)) {
        return nobody_there();
    }
    const auto number = load_le<std::uint16_t>(event.data());
    const auto value = load_le<std::uint32_t>(event.data() + sizeof number);
    if ((number & ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) != 0) {
        return Error(Errc::unauthenticated, "the server does not admit our key");
    }
    if ((number & ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) != 0 &&
        value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH) {
        return Error(Errc::unauthenticated,
                     "one end uses keys and the other does not: name the server's public key, or "
                     "none where it has none");
    }
    // An end that wants keys may close before the other has seen why.
    if ((number & ZMQ_EVENT_DISCONNECTED) != 0) {
        return Error(Errc::unreachable,
                     "the connection was closed there: the node went down, or one end uses keys "
                     "and the other does not");
    }
    return nobody_there();
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

void DealerSocket::send(std::span<const SequencedSend> sends) {
    while (!sends.empty()) {
        const std::size_t together = combine(sends);
        if (sends.front().call->lifecycle) {
            send_change(sends.front());
        } else {
            send_appends(sends.first(together));
        }
        sends = sends.subspan(together);
    }
}

// How many from the front go as one message, their requests gathered in requests_: a message costs
// as much as some hundred bytes of it.
std::size_t DealerSocket::combine(std::span<const SequencedSend> sends) {
    requests_.clear();
    std::size_t i = 0;
    for (; i < sends.size() && i < wire::kAppendRequestsMax; ++i) {
        const SequencedSend& send = sends[i];
        const Sequenced& call = *send.call;
        const bool follows =
            i == 0 || (!call.lifecycle && call.partition == sends[0].call->partition &&
                       send.id == sends[0].id + i && send.after == send.id);
        const bool fits = requests_.size() + call.request.size() <= wire::kInlineRequestBytesMax;
        if (!follows || (i != 0 && !fits)) {
            break;
        }
        requests_.resize(align8(requests_.size()));
        requests_ += call.request;
        if (call.lifecycle) {
            return 1;
        }
    }
    return i;
}

void DealerSocket::send_change(const SequencedSend& send) {
    const msg::ChangeStream change{send.id, send.resolved_below, send.after, send.call->partition,
                                   *send.call->lifecycle};
    (void)socket_.send(ZmqMessage(encoder_.encode(msg::FromClient(change))), false);
}

void DealerSocket::send_appends(std::span<const SequencedSend> sends) {
    const SequencedSend& first = sends.front();
    msg::Append append{first.id,    first.resolved_below,
                       first.after, first.call->partition,
                       {},          static_cast<std::uint32_t>(sends.size())};
    const bool inlined = requests_.size() <= kInlineBytesMax;
    if (inlined) {
        append.request = as_bytes(requests_);
    }
    (void)socket_.send(ZmqMessage(encoder_.encode(append)), !inlined);
    if (!inlined) {
        (void)socket_.send(ZmqMessage(as_bytes(requests_)), false);
    }
}

std::optional<Error> DealerSocket::broken() {
    std::optional<Error> why;
    ZmqMessage part;
    while (monitor_.open() && monitor_.receive(part)) {
        // A part with the endpoint follows.
        Error reason = part.more() ? reason_of(part.bytes()) : nobody_there();
        if (!why || reason.code == Errc::unauthenticated) {
            why = std::move(reason);
        }
        while (part.more() && monitor_.receive(part)) {
        }
    }
    return why;
}

}  // namespace skald::client
