// The client's connection: a DEALER to one server, and a monitor that tells when it broke.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "client/session.h"
#include "wire/envelope.h"
#include "wire/zmq/socket.h"

namespace skald::client {

struct CurveClient {
    std::string public_key;  // Z85; all three or none
    std::string secret_key;
    std::string server_key;
};

// One thread at a time.
class DealerSocket {
  public:
    static Result<std::unique_ptr<DealerSocket>> connect(const std::string& server,
                                                         const CurveClient& curve);

    // Nothing after a message that cannot be read is to be trusted: an event may be missing.
    enum class Received : std::uint8_t { nothing, answer, malformed };
    Received receive(Answer& answer);
    void send(const Effects::Send& send);
    // In order; appends that follow one another go together in one message.
    void send(std::span<const SequencedSend> sends);
    // Why the connection broke, or could not be made, since the last time: unreachable, or
    // unauthenticated when the server does not admit our key.
    std::optional<Error> broken();

    const wire::ZmqSocket& socket() const { return socket_; }
    const wire::ZmqSocket& monitor() const { return monitor_; }

  private:
    DealerSocket(wire::ZmqSocket socket, wire::ZmqSocket monitor, bool copies);
    bool receive_body(Answer& answer);
    std::size_t combine(std::span<const SequencedSend> sends);
    void send_change(const SequencedSend& send);
    void send_appends(std::span<const SequencedSend> sends);

    wire::ZmqSocket socket_;
    wire::ZmqSocket monitor_;
    // In one process the frames are the node's own memory: not to be held for long.
    bool copies_;
    wire::EnvelopeEncoder encoder_;
    wire::ZmqMessage part_;
    std::vector<std::uint64_t> aligned_;
    std::string requests_;
};

}  // namespace skald::client
