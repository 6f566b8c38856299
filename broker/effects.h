// What the routing core asks its shell to do. The core does no I/O and reads no clock.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "store/volume.h"
#include "wire/messages.h"

namespace skald::broker {

// The number the node's socket gave a connection.
using PeerId = std::uint32_t;

using Frame = std::shared_ptr<const std::string>;

struct Outgoing {
    PeerId peer = 0;
    wire::msg::FromNode message;
    std::vector<Frame> bodies;
};

// A request to a service that has a worker in this process.
struct LocalCall {
    std::uint64_t worker = 0;
    std::uint64_t number = 0;  // for the response
    Monotonic left{};          // until whoever asked waits no longer
    Frame payload;
};

// The shell hands submissions to the volume in one call, sends in order, hands calls to their
// workers, and clears this.
struct Effects {
    std::vector<store::Submission> submissions;
    std::vector<Outgoing> sends;
    std::vector<LocalCall> calls;

    void send(PeerId peer, wire::msg::FromNode message, std::vector<Frame> bodies = {}) {
        sends.push_back({peer, std::move(message), std::move(bodies)});
    }
    void clear() {
        submissions.clear();
        sends.clear();
        calls.clear();
    }
};

// Sends in order. When `send` says that a peer cannot be sent to, `lost` is told once and the peer
// gets nothing else of these effects: what came later would look as if nothing had been before it.
template <typename Send, typename Lost>
void send_all(const Effects& effects, Send&& send, Lost&& lost) {
    std::vector<PeerId> gone;
    for (const Outgoing& outgoing : effects.sends) {
        const bool skipped =
            !gone.empty() && std::find(gone.begin(), gone.end(), outgoing.peer) != gone.end();
        if (!skipped && !send(outgoing)) {
            gone.push_back(outgoing.peer);
            lost(outgoing.peer);
        }
    }
}

}  // namespace skald::broker
