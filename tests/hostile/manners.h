// How hostile peers behave. Each manner is what one connection says; `run_peers` makes connections
// say it for ever, as fast as the node takes it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace skald::hostile {

class Manner {
  public:
    virtual ~Manner() = default;
    // After the handshake.
    virtual std::string begin() = 0;
    // More of it, some 64 KiB or more; empty: nothing for now.
    virtual std::string next() = 0;
    // Each second; only asked for when there is nothing else to send.
    virtual std::string each_second() { return {}; }
};

struct Kind {
    std::string name;
    bool reads = false;       // what the node sends
    int receive_buffer = 0;   // of a TCP connection
    std::uint32_t turns = 0;  // seconds after which a connection is closed and made anew; 0: never
    std::function<std::unique_ptr<Manner>(std::uint64_t number)> make;
};

// nullptr when there is none of that name. Names: see the table in manners.cc.
const Kind* kind_of(const std::string& name);

struct Orders {
    std::string endpoint;
    std::uint64_t count = 1;  // of connections
    std::uint64_t seed = 1;
};

// Until the process is killed. Puts a mark on file descriptor 3 for each MiB that was sent.
[[noreturn]] void run_peers(const Kind& kind, const Orders& orders);

// Opens and closes `count` connections in all ways, 64 open at a time; a mark for each.
void run_churn(const Orders& orders);

// libzmq's own heartbeats, a receive queue of one message, and nobody who reads it.
[[noreturn]] void run_heartbeats(const Orders& orders);

}  // namespace skald::hostile
