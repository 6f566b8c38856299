// The remote event store: the same interface as an embedded one, spoken to a node or a cluster.
// The protocol is docs/protocol.md; the contract of every call is that of event_store.h.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "skald/admin.h"
#include "skald/event_store.h"
#include "skald/log_source.h"

namespace skald {

struct ClientOptions {
    // Endpoints to try in turn, as tcp://host:7400, ipc:///run/skald.sock or inproc://name (a node
    // in this process). At least one.
    std::vector<std::string> servers;
    // Bounds connect() and each call: beyond, outcome_unknown for an append or change that may have
    // been written; unreachable, or busy when the node took no more, for one that never was sent;
    // timed_out for everything else.
    std::chrono::milliseconds timeout{10000};
    // CURVE keys, 40 characters of Z85 each; all three or none.
    std::string public_key;
    std::string secret_key;
    std::string server_key;
    std::string name;  // shown by the node; up to 255 bytes
};

// Connects and waits for the node's welcome. Errors: invalid_argument; unreachable when every
// server refused or none answered in time; unauthenticated, forbidden, unsupported_version.
//
// The client is a producer: an append whose connection broke is sent again as the same request, so
// it is written once. It moves on to the next server by itself; calls wait for that up to their
// timeout. append_async holds up to 16,384 requests or 16 MiB, then answers busy. Of reads and
// other requests 4 are on their way at a time and 4,096 more wait, beyond which they are busy; a
// node that is busy is asked again until the timeout. `Append::producer` must not be set.
// Subscriptions go on where they were after a reconnect. Callbacks and handlers run on one thread
// of the client, of its own. Destroy subscriptions before the client; calls still open are then
// resolved as outcome_unknown or connection_lost.
Result<std::unique_ptr<EventStore>> connect(const ClientOptions& options);

// The log of a running node, for backup_log() of skald/admin.h. The node serves on meanwhile; after
// a lost connection calls go on until their timeout. Takes the right to administer everything, else
// forbidden. Errors: those of connect(); unsupported_version when the node is of an older version.
Result<std::unique_ptr<LogSource>> connect_log(const ClientOptions& options);

// What scavenge_directory() of skald/admin.h does, done by a node at work; waits for its end, which
// the timeout does not bound: that is for each question how far it is. When it gives up, the node
// does not. Takes the right to administer everything. Errors: those of connect(), forbidden, busy
// while another one runs, and what ended it.
Result<ScavengeReport> scavenge_node(const ClientOptions& options,
                                     const AdminProgress& progress = {});

}  // namespace skald
