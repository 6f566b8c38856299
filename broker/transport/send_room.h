// How much of what a node sends may wait for one peer, when there are peers that take nothing.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/limits.h"

namespace skald::broker {

// Bytes that a peer may be sent now, which has not taken `own` yet, when all peers together have
// not taken `total` of `bound`. It has an equal part of what is left, so the more stand still the
// less each holds, and there is always some left for one that does not; and next to nothing
// (limits::kPeerSendFloor) out of a reserve, whatever the others do. The sum stays below bound +
// kSendReserve and what one turn sends on top. Never a sliver: a little more than half a floor, or
// nothing.
inline std::size_t send_room(std::size_t own, std::size_t total, std::size_t bound) {
    const auto left = [](std::size_t of, std::size_t used) { return of > used ? of - used : 0; };
    const std::size_t share =
        std::min(limits::kPeerSendBytesMax, left(bound, total) / limits::kPeerSendParts);
    const std::size_t floor = total < bound + limits::kSendReserve ? limits::kPeerSendFloor : 0;
    const std::size_t room = std::max(left(share, own), left(floor, own));
    return room >= limits::kPeerSendFloor / 2 ? room : 0;
}

}  // namespace skald::broker
