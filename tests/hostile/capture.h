// A client that keeps every byte it was sent, and a tap between one and a node.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "skald/node.h"
#include "wire/envelope.h"
#include "wire/zmq/socket.h"

namespace skald::hostile {

// A DEALER that speaks the protocol by hand. What CURVE hides on the wire it keeps decrypted.
class CapturingClient {
  public:
    // Without a server's key it speaks in the clear.
    CapturingClient(const std::string& endpoint, const KeyPair& keys, const std::string& server_key,
                    const Uuid& producer);

    // Waits for the final answer; of Subscribe, until it caught up or was refused. What else comes
    // meanwhile is kept as well. Fails the test when there is none in 30 s.
    wire::msg::FromNode ask(const wire::msg::FromClient& message, std::string_view body = {});
    // Sends it and expects nothing.
    void say(const wire::msg::FromClient& message, std::string_view body = {});
    // Until `done` says so of a message.
    wire::msg::FromNode await(const std::function<bool(const wire::msg::FromNode&)>& done);

    std::uint64_t next_id() { return plain_id_++; }
    // Every frame, one behind the other.
    const std::string& captured() const { return captured_; }

  private:
    wire::ZmqSocket socket_;
    wire::Waker nobody_;
    wire::EnvelopeEncoder encoder_;
    std::string captured_;
    std::uint64_t plain_id_ = wire::msg::kFirstPlainId;
};

// Passes one TCP connection on to `endpoint`, and keeps what comes back over it.
class Tap {
  public:
    explicit Tap(const std::string& endpoint);
    ~Tap();
    Tap(const Tap&) = delete;
    Tap& operator=(const Tap&) = delete;
    std::string endpoint() const;
    std::string captured() const;

  private:
    void run(const std::string& endpoint);

    int listener_ = -1;
    std::atomic<bool> stop_{false};
    mutable std::mutex mutex_;
    std::string captured_;  // guarded by mutex_
    std::thread thread_;
};

}  // namespace skald::hostile
