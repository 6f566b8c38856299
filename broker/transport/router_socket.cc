#include "broker/transport/router_socket.h"

#include <zmq.h>

#include <algorithm>

#include "broker/limits.h"
#include "broker/transport/send_room.h"

namespace skald::broker {
namespace {

using wire::SendResult;
using wire::ZmqMessage;

// The routing ids that a ROUTER makes itself: a zero and a number.
constexpr std::size_t kOwnIdBytes = 5;
constexpr std::int64_t kLingerMs = 1000;

int milliseconds(std::chrono::milliseconds time) {
    return static_cast<int>(time.count());
}

ZmqMessage routing_id(PeerId peer) {
    std::byte id[kOwnIdBytes] = {};
    store_le(id + 1, peer);
    return ZmqMessage(Bytes(id));
}

}  // namespace

// Bytes that the socket holds by reference, and messages that they are the bodies of.
struct RouterSocket::Gauge {
    std::atomic<std::size_t> bytes{0};
    std::atomic<std::size_t> messages{0};
    std::atomic<std::size_t> wake_below{limits::kPeerSendFloor / 2};
    std::function<void()> wake;
};

// Keeps a frame alive while the socket refers to it.
struct RouterSocket::Held {
    Frame frame;
    std::shared_ptr<Gauge> peer;
    std::shared_ptr<Gauge> total;
    std::size_t messages;

    Held(Frame f, std::shared_ptr<Gauge> p, std::shared_ptr<Gauge> t, std::size_t m)
        : frame(std::move(f)), peer(std::move(p)), total(std::move(t)), messages(m) {
        peer->bytes += frame->size();
        peer->messages += messages;
        total->bytes += frame->size();
    }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held() {
        bool room = falls_below(peer->messages, messages, kPeerBodiesMax / 2);
        for (Gauge* gauge : {peer.get(), total.get()}) {
            room = falls_below(gauge->bytes, frame->size(), gauge->wake_below) || room;
        }
        if (room) {
            total->wake();
        }
    }
    static bool falls_below(std::atomic<std::size_t>& gauge, std::size_t by, std::size_t below) {
        const std::size_t before = gauge.fetch_sub(by);
        return before >= below && before - by < below;
    }
};

Result<std::unique_ptr<RouterSocket>> RouterSocket::open(const CurveServer& curve,
                                                         std::function<void()> wake,
                                                         std::size_t send_bytes_max) {
    wire::ZmqSocket socket(wire::shared_zmq_context(), wire::ZmqKind::router);
    if (!socket.open()) {
        return Error(Errc::io_error, "no socket can be made: too many are open");
    }
    socket.set(ZMQ_SNDHWM, limits::kPeerMessagesMax);
    socket.set(ZMQ_BACKLOG, limits::kListenBacklog);
    socket.set(ZMQ_HANDSHAKE_IVL, milliseconds(limits::kHandshakeMax));
    socket.set(ZMQ_ROUTER_MANDATORY, 1);
    socket.set(ZMQ_MAXMSGSIZE, static_cast<std::int64_t>(kMessagePartBytesMax));
    socket.set(ZMQ_HEARTBEAT_IVL, 0);
    // What a peer has not taken stays in its pipe until its connection ends, session or not.
    socket.set(ZMQ_TCP_MAXRT, milliseconds(limits::kSendSilenceMax));
    socket.set(ZMQ_LINGER, static_cast<int>(kLingerMs));
    if (!curve.secret_key.empty()) {
        socket.set(ZMQ_ZAP_DOMAIN, curve.domain);
        socket.set(ZMQ_CURVE_SERVER, 1);
        if (auto ok = socket.set_key(ZMQ_CURVE_SECRETKEY, curve.secret_key); !ok) {
            return ok.error();
        }
    }
    auto brake = Brake::open();
    if (!brake) {
        return brake.error();
    }
    return std::unique_ptr<RouterSocket>(
        new RouterSocket(std::move(socket), std::move(*brake), std::move(wake), send_bytes_max));
}

RouterSocket::RouterSocket(wire::ZmqSocket socket, std::unique_ptr<Brake> brake,
                           std::function<void()> wake, std::size_t send_bytes_max)
    : socket_(std::move(socket)),
      brake_(std::move(brake)),
      total_(std::make_shared<Gauge>()),
      send_bytes_max_(send_bytes_max) {
    total_->wake = std::move(wake);
    total_->wake_below = send_bytes_max / 2;
}

RouterSocket::~RouterSocket() = default;

bool RouterSocket::receive(Router& router, Arrival& arrival) {
    if (!socket_.receive(id_)) {
        return false;
    }
    const Bytes id = id_.bytes();
    const bool own = id.size() == kOwnIdBytes && id[0] == std::byte{0};
    arrival.peer = own ? load_le<PeerId>(id.data() + 1) : 0;
    arrival.frames = 0;
    bool more = id_.more();
    while (more && socket_.receive(part_)) {
        more = part_.more();
        ++arrival.frames;
        received_ += part_.bytes().size() + sizeof(zmq_msg_t);
        if (!own || arrival.frames > 2) {
            continue;
        }
        if (arrival.frames == 1 && !router.knows(arrival.peer)) {
            arrival.key = part_.property("User-Id");
        }
        RequestArena::Place& place = arrival.frames == 1 ? arrival.envelope : arrival.body;
        place = router.arena().copy(part_.bytes());
    }
    if (!own || arrival.frames == 0 || arrival.frames > kMessageFramesMax) {
        ++refused_;
        for (RequestArena::Place* place : {&arrival.envelope, &arrival.body}) {
            if (place->block != nullptr) {
                router.arena().release(place->block);
                *place = {};
            }
        }
    }
    return true;
}

void RouterSocket::fell_behind(std::size_t messages, std::size_t bytes) {
    messages_behind_ += messages;
    bytes_behind_ += bytes;
    if (messages_behind_ > kBehindMessagesMax || bytes_behind_ > kBehindBytesMax) {
        brake_->hold();
    }
}

void RouterSocket::caught_up() {
    messages_behind_ = bytes_behind_ = 0;
    brake_->release();
}

void RouterSocket::drain(Router& router, std::vector<Arrival>& arrivals) {
    std::size_t n = 0;
    for (received_ = 0; n < kRoundMessagesMax && received_ < kRoundBytesMax; ++n) {
        Arrival& arrival = arrivals.emplace_back();
        const bool received = receive(router, arrival);
        if (!received || arrival.envelope.block == nullptr) {
            arrivals.pop_back();
        }
        if (!received) {
            return caught_up();
        }
    }
    fell_behind(n, received_);
}

ZmqMessage RouterSocket::counted(PeerId peer, Frame frame, std::size_t messages) {
    std::shared_ptr<Gauge>& gauge = gauges_[peer];
    if (!gauge) {
        gauge = std::make_shared<Gauge>();
    }
    const Bytes bytes = as_bytes(*frame);
    return ZmqMessage(bytes, std::make_shared<Held>(std::move(frame), gauge, total_, messages));
}

ZmqMessage RouterSocket::envelope(PeerId peer, Bytes bytes) {
    if (bytes.size() <= limits::kUncountedBytesMax) {
        return ZmqMessage(bytes);
    }
    return counted(peer, std::make_shared<const std::string>(as_text(bytes)), 0);
}

// The last counts for its message, however small: a pipe holds only so many.
ZmqMessage RouterSocket::body(PeerId peer, const Frame& frame, bool last) {
    const bool small = frame->size() <= limits::kUncountedBytesMax;
    return frame->empty() || (small && !last) ? ZmqMessage(as_bytes(*frame))
                                              : counted(peer, frame, last ? 1 : 0);
}

bool RouterSocket::send(const Outgoing& outgoing) {
    if (socket_.send(routing_id(outgoing.peer), true) != SendResult::sent) {
        return false;
    }
    const bool bodies = !outgoing.bodies.empty();
    SendResult sent =
        socket_.send(envelope(outgoing.peer, encoder_.encode(outgoing.message)), bodies);
    for (std::size_t i = 0; i < outgoing.bodies.size(); ++i) {
        const bool more = i + 1 < outgoing.bodies.size();
        sent = socket_.send(body(outgoing.peer, outgoing.bodies[i], !more), more);
    }
    return sent == SendResult::sent;
}

std::size_t RouterSocket::room(PeerId peer, std::size_t sessions) const {
    const auto gauge = gauges_.find(peer);
    const std::size_t own = gauge == gauges_.end() ? 0 : gauge->second->bytes.load();
    if (gauge != gauges_.end() && gauge->second->messages >= kPeerBodiesMax) {
        return 0;
    }
    const std::size_t room = send_room(own, total_->bytes, send_bytes_max_, sessions);
    if (room == 0 && gauge != gauges_.end()) {
        gauge->second->wake_below = std::max(own / 2, limits::kPeerSendFloor / 2);
    }
    return room;
}

void RouterSocket::sweep() {
    std::erase_if(gauges_, [](const auto& entry) {
        return entry.second->bytes == 0 && entry.second->messages == 0;
    });
}

std::size_t RouterSocket::queued_bytes() const {
    return total_->bytes;
}

}  // namespace skald::broker
