// A connection that speaks ZMTP 3.1 (RFC 37) by hand, so that it can do what libzmq never does:
// stop in the middle, lie, send without end, not read.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "wire/messages.h"

namespace skald::hostile {

// ---- bytes of ZMTP, mechanism NULL, socket type DEALER
std::string greeting();
std::string ready_command();
// Asks for an answer; the peer ends the connection when nothing comes for `ttl_ms`, 0: never.
std::string ping_command(int ttl_ms);
std::string frame(std::string_view bytes, bool more);
// An envelope, and a body frame when there is one.
std::string message(const wire::msg::FromClient& message, std::string_view body = {});

class RawPeer {
  public:
    // tcp://ADDRESS:PORT or ipc://PATH. nullptr when nobody accepts it. `receive_buffer`: bytes
    // that the system keeps for us, 0: its default.
    static std::unique_ptr<RawPeer> connect(const std::string& endpoint, int receive_buffer = 0);
    ~RawPeer();
    RawPeer(const RawPeer&) = delete;
    RawPeer& operator=(const RawPeer&) = delete;

    int fd() const { return fd_; }
    // Greeting and READY, both ways; what comes behind them stays unread. libzmq takes nothing from
    // us before. False when the node did not do its part within 10 s.
    bool shake_hands();
    // How much of it the connection took, without waiting; npos when it is gone.
    std::size_t write(std::string_view bytes);
    // What is there to read, without waiting, into `into` if it is not null. False at the end.
    bool read(std::string* into = nullptr);
    // The close that follows is a reset and not an end.
    void reset_at_close();

  private:
    explicit RawPeer(int fd) : fd_(fd) {}
    bool read_exactly(char* into, std::size_t bytes);
    int fd_;
};

}  // namespace skald::hostile
