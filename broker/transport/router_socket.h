// The node's ROUTER socket: messages into the router's arena, and out with bodies by reference.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/effects.h"
#include "broker/router.h"
#include "broker/transport/brake.h"
#include "wire/envelope.h"
#include "wire/zmq/socket.h"

namespace skald::broker {

struct CurveServer {
    std::string secret_key;  // Z85; empty: no CURVE
    std::string domain;      // of the ZAP handler
};

// Belongs to the node's thread from start to end.
class RouterSocket {
  public:
    // `wake` is called, from a thread of ZeroMQ, when a peer that was out of room has some again.
    static Result<std::unique_ptr<RouterSocket>> open(const CurveServer& curve,
                                                      std::function<void()> wake,
                                                      std::size_t send_bytes_max);
    ~RouterSocket();
    Result<std::string> bind(const std::string& endpoint) { return socket_.bind(endpoint); }

    // Takes messages off the socket until it is empty or a round is full. Full again and again, it
    // lets nothing more in until it was empty.
    void drain(Router& router, std::vector<Arrival>& arrivals);
    // False when the peer is gone, or does not read: its session must end.
    bool send(const Outgoing& outgoing);
    // Bytes that may be sent to the peer now (send_room.h). With none, `wake` comes once some of
    // what it holds is gone.
    std::size_t room(PeerId peer, std::size_t sessions) const;
    // Forgets peers that hold nothing.
    void sweep();
    std::size_t queued_bytes() const;
    std::uint64_t refused() const { return refused_; }
    // How often peers sent faster than the node took it.
    std::uint64_t holds() const { return brake_->holds(); }

    const wire::ZmqSocket& socket() const { return socket_; }

  private:
    struct Gauge;
    struct Held;
    RouterSocket(wire::ZmqSocket socket, std::unique_ptr<Brake> brake, std::function<void()> wake,
                 std::size_t send_bytes_max);
    bool receive(Router& router, Arrival& arrival);
    void fell_behind(std::size_t messages, std::size_t bytes);
    void caught_up();
    wire::ZmqMessage envelope(PeerId peer, Bytes bytes);
    wire::ZmqMessage body(PeerId peer, const Frame& frame, bool last);
    wire::ZmqMessage counted(PeerId peer, Frame frame, std::size_t messages);

    wire::ZmqSocket socket_;
    std::unique_ptr<Brake> brake_;
    std::size_t received_ = 0;         // bytes taken in this round, kept or not
    std::size_t messages_behind_ = 0;  // taken since the socket was empty
    std::size_t bytes_behind_ = 0;
    wire::EnvelopeEncoder encoder_;
    wire::ZmqMessage id_;
    wire::ZmqMessage part_;
    std::shared_ptr<Gauge> total_;
    std::unordered_map<PeerId, std::shared_ptr<Gauge>> gauges_;
    std::size_t send_bytes_max_;
    std::uint64_t refused_ = 0;
};

}  // namespace skald::broker
