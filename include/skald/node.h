// A node: a volume served to clients over ZeroMQ, with health and metrics over HTTP. The program
// `skald serve` is this class; an application may hold one too, with or without its network.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "skald/event_store.h"
#include "skald/service_host.h"

namespace skald {

namespace store {
class Volume;
}
namespace coord {
class Coord;
}

// What the holder of a key may do: globs of stream names. Reading covers read, subscribe, stream
// info and snapshots; writing covers append and putting snapshots; admin covers changes of streams.
// What spans streams (a category, everything) shows only events of streams that may be read. Of a
// service NAME (services.h): writing `service/NAME` covers asking, admin covers serving.
struct Permission {
    std::string key;  // public key, 40 characters of Z85; `*`: every key, and peers without one
    std::vector<std::string> read;
    std::vector<std::string> write;
    std::vector<std::string> admin;
};

// What is beyond a bound is answered busy or discarded and counted.
struct NodeLimits {
    std::size_t sessions = 16384;
    std::size_t subscriptions = 1024;                // of one session
    std::size_t request_bytes_in_flight = 32 << 20;  // of all sessions
    std::size_t session_bytes_in_flight = 16 << 20;
    std::uint32_t session_requests_in_flight = 16384;
    std::size_t send_bytes_queued = 48 << 20;  // sent and not yet taken, of all sessions
    std::chrono::milliseconds expiry{5000};    // a session silent for longer is forgotten
    std::size_t node_subscriptions = 32768;    // of all sessions
};

struct NodeOptions {
    // Either a directory, opened and owned by the node, or a volume that outlives it.
    std::string data_dir;
    store::Volume* volume = nullptr;
    // The coordination store that it serves, which outlives it; none: its own, in `coord` in its
    // data directory. With a volume and none, it serves none.
    coord::Coord* coord = nullptr;
    std::uint16_t partitions = 1;  // of a new directory
    std::size_t map_bytes = 0;     // address space for the log; 0: 1 TiB

    // tcp://127.0.0.1:7400, ipc://path, inproc://name; `*` as the port picks one. May be empty.
    std::vector<std::string> listen{"tcp://127.0.0.1:7400"};
    std::string http;  // host:port, port 0 picks one; empty: no HTTP

    // CURVE: the node's secret key and those of the clients it admits. Required as soon as an
    // endpoint is neither loopback, ipc nor inproc. Without permissions an admitted key may do
    // everything.
    std::string secret_key;
    std::vector<std::string> clients;  // public keys; `*`: any key
    std::vector<Permission> permissions;

    NodeLimits limits;
};

// Threads: all methods may be called from any thread, stop() once.
class Node {
  public:
    // Opens the volume and listens; ready when it returns. Raises the process's soft limit of open
    // files to the hard one. Errors: those of store::Volume::open,
    // address_in_use, invalid_argument (an endpoint, a key, CURVE missing, libzmq older
    // than 4.3.3).
    static Result<std::unique_ptr<Node>> start(const NodeOptions& options);

    virtual ~Node() = default;  // stops

    // What it listens on, with the real ports.
    virtual std::vector<std::string> endpoints() const = 0;
    virtual std::string http_endpoint() const = 0;  // empty without HTTP
    virtual std::string id() const = 0;             // the node's uuid

    // The same log in this process, without a socket. Lives as long as the node.
    virtual EventStore& local() = 0;

    // Workers in this process, without a socket. shutting_down after stop(). Lives as long as the
    // node.
    virtual ServiceHost& services() = 0;

    // What it agrees by with others, and serves to clients (skald/coord.h); null when it has none.
    // Lives as long as the node.
    virtual coord::Coord* coord() = 0;

    // Blocks until the node ended: without error after stop(), else with what ended it.
    virtual Result<void> wait() = 0;
    // Takes no new requests, answers those it has, says goodbye to its clients and ends.
    virtual void stop() = 0;
};

// A key pair for CURVE, Z85.
struct KeyPair {
    std::string public_key;
    std::string secret_key;
};
KeyPair make_key_pair();

}  // namespace skald
