// Stops the thread that reads the sockets while the node has not taken what it read. libzmq bounds
// what was received only by a high-water mark, and that one lets a peer's heartbeats abort the
// process (docs/decisions/0015).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "skald/result.h"
#include "wire/zmq/socket.h"

namespace skald::broker {

// One thread at a time, which must never wait for the stopped thread while it holds it.
class Brake {
  public:
    // Of the shared context's I/O thread, which all sockets of the process have in common.
    static Result<std::unique_ptr<Brake>> open();
    ~Brake();
    Brake(const Brake&) = delete;
    Brake& operator=(const Brake&) = delete;

    // The I/O thread stops soon, at the end of what it is reading, until release().
    void hold();
    void release();
    std::uint64_t holds() const { return holds_; }

  private:
    struct Grip;
    struct Shoe;
    Brake(wire::ZmqSocket near, wire::ZmqSocket far);

    std::shared_ptr<Grip> grip_;
    wire::ZmqSocket near_;
    wire::ZmqSocket far_;
    bool held_ = false;
    std::uint64_t holds_ = 0;
};

}  // namespace skald::broker
