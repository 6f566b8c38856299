// How much one turn of the node's thread may still do (Router::pump).
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>

#include "base/limits.h"
#include "broker/router.h"

namespace skald::broker {

// What a message counts for beside its bodies.
inline constexpr std::size_t kEnvelopeBytes = 256;

struct Router::Turn {
    std::size_t steps = limits::kTurnStepsMax;
    std::size_t bytes = limits::kTurnSendBytesMax;
    const std::function<bool()>& late;
    bool fans_out = true;  // no peer has got as many ephemeral events as it may in one turn

    bool open() const { return steps != 0 && bytes != 0 && !late(); }
    void take(std::size_t sent) {
        --steps;
        bytes -= std::min(bytes, sent);
    }
};

}  // namespace skald::broker
