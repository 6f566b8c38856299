// What the routing core asks its shell to do. The core does no I/O and reads no clock.
#pragma once

#include <memory>
#include <string>
#include <vector>

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

// The shell hands submissions to the volume in one call, sends in order, and clears this.
struct Effects {
    std::vector<store::Submission> submissions;
    std::vector<Outgoing> sends;

    void send(PeerId peer, wire::msg::FromNode message, std::vector<Frame> bodies = {}) {
        sends.push_back({peer, std::move(message), std::move(bodies)});
    }
    void clear() {
        submissions.clear();
        sends.clear();
    }
};

}  // namespace skald::broker
