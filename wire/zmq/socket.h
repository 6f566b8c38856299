// The least of ZeroMQ that nodes and clients share: the process's context, sockets, messages.
// Nothing here throws; what can fail says so.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "skald/result.h"

struct zmq_msg_t;

namespace skald::wire {

// One context a process, so that inproc:// reaches from a client to a node. It ends with the last
// of its holders, who must have closed their sockets.
std::shared_ptr<void> shared_zmq_context();

// Whether it is 32 bytes in Z85: 40 characters.
bool is_curve_key(const std::string& text);

// Refuses libzmq below 4.3.3, whose CURVE can be made to crash.
Result<void> check_zmq_version();

// A message part. Moves, and copies by reference.
class ZmqMessage {
  public:
    ZmqMessage();
    explicit ZmqMessage(Bytes bytes);  // copies
    // Points at bytes that `owner` keeps; released when the last reference went out.
    ZmqMessage(Bytes bytes, std::shared_ptr<const void> owner);
    ~ZmqMessage();
    ZmqMessage(ZmqMessage&& other) noexcept;
    ZmqMessage& operator=(ZmqMessage&& other) noexcept;

    ZmqMessage share() const;  // another reference to the same bytes
    Bytes bytes() const;
    bool more() const;  // another part of the same message follows
    // A property of the connection it came over, as "User-Id"; empty when there is none.
    std::string_view property(const char* name) const;

  private:
    friend class ZmqSocket;
    zmq_msg_t* raw() const;
    alignas(8) mutable unsigned char storage_[64];
};

enum class ZmqKind : std::uint8_t { router, dealer, rep, pair };

enum class SendResult : std::uint8_t { sent, unreachable, full };

// One thread at a time, which is also the one that closes it.
class ZmqSocket {
  public:
    ZmqSocket(std::shared_ptr<void> context, ZmqKind kind);
    ~ZmqSocket();
    ZmqSocket(ZmqSocket&& other) noexcept;
    ZmqSocket& operator=(ZmqSocket&&) = delete;

    bool open() const { return socket_ != nullptr; }
    void* handle() const { return socket_; }  // for polling
    void set(int option, int value);
    void set(int option, std::int64_t value);
    void set(int option, std::string_view value);
    // A key in Z85; invalid_argument when it is none.
    Result<void> set_key(int option, const std::string& key);
    // The endpoint with its real port. Errors: address_in_use, invalid_argument, unreachable.
    Result<std::string> bind(const std::string& endpoint);
    // Its errors do not name the endpoint.
    Result<void> connect(const std::string& endpoint);

    // False when nothing waits.
    bool receive(ZmqMessage& message);
    // Never blocks. A router says unreachable when the peer is gone.
    SendResult send(ZmqMessage&& message, bool more);

    // Events of the connection from now on, to be received on the returned socket.
    ZmqSocket monitor(int events);

  private:
    std::shared_ptr<void> context_;
    void* socket_ = nullptr;
};

// Wakes one thread's poll from any thread. It costs a system call only when that thread sleeps.
class Waker {
  public:
    Waker();
    ~Waker();
    Waker(const Waker&) = delete;
    Waker& operator=(const Waker&) = delete;
    // What the caller did before is seen by the poller once its poll returns.
    void wake();

  private:
    friend void poll_sockets(const ZmqSocket&, const ZmqSocket*, Waker&, int);
    friend void poll_waker(Waker&, int);
    enum class State : std::uint8_t { awake, asleep, woken };
    bool fall_asleep();
    void wake_up(bool written);

    int fd_;
    std::atomic<State> state_{State::awake};
};

// Waits until one of two sockets has something or the waker was used since the last poll, at most
// `timeout_ms` (-1: for ever).
void poll_sockets(const ZmqSocket& socket, const ZmqSocket* other, Waker& waker, int timeout_ms);
void poll_waker(Waker& waker, int timeout_ms);

}  // namespace skald::wire
