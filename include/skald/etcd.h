// Coordination on etcd 3.4 or newer, of an operator's or a cluster's own.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "skald/coord.h"

namespace skald::coord {

struct EtcdOptions {
    // Its members, as http://HOST:PORT or https://HOST:PORT: 1-16, tried in turn. All of one etcd.
    std::vector<std::string> endpoints;
    // Bounds each call: beyond, outcome_unknown for a change that may have been done, unreachable
    // for one that never was sent, timed_out for the rest. A watch is lost when no member was heard
    // for so long. 100 ms to 5 min; without a majority etcd itself answers after some 7 s.
    std::chrono::milliseconds timeout{10000};
    // What all keys begin with there, so that several clusters may share one etcd; nothing outside
    // is seen or touched. Up to 255 bytes.
    std::string prefix;
    // Both or none.
    std::string user;
    std::string password;
    // Only with https://. PEM files: whose certificates are trusted, and nobody else's (empty:
    // those the system trusts); and the client's own, both or none, the key without a password.
    std::string ca_file;
    std::string cert_file;
    std::string key_file;
};

// 256 watches, each a connection, beyond which they are busy; when its keys are quiet, how far one
// was told advances each ten minutes. No bound but etcd's own of what is stored. A lease lasts
// whole seconds, rounded up. Proxies of the environment are not used. Errors: invalid_argument;
// unreachable when no member answered, or none that is trusted; timed_out, connection_lost or
// not_ready when none did what it was asked for; malformed when it is no etcd; unauthenticated,
// forbidden. What may help stands in the message.
Result<std::unique_ptr<Coord>> connect_etcd(const EtcdOptions& options);

}  // namespace skald::coord
