// How much of what a node sends may wait for one peer, when there are peers that take nothing.
#pragma once

#include <algorithm>
#include <cstddef>

#include "broker/limits.h"

namespace skald::broker {

// Bytes that a peer may be sent now, which has not taken `own` yet, when all of `sessions` together
// have not taken `total` of `bound`. It has its part by number (kSendPartMin in any case) while
// that is an eighth of what is left at most: so those that stand still cannot take all. When little
// is left, next to nothing (limits::kPeerSendFloor) comes out of a reserve. The sum stays below
// bound + kSendReserve and what one turn sends on top. Never a sliver: half a floor at least, or
// nothing.
inline std::size_t send_room(std::size_t own, std::size_t total, std::size_t bound,
                             std::size_t sessions) {
    const auto left = [](std::size_t of, std::size_t used) { return of > used ? of - used : 0; };
    const std::size_t part = std::max(bound / std::max<std::size_t>(sessions, 1), kSendPartMin);
    const std::size_t share =
        std::min({limits::kPeerSendBytesMax, part, left(bound, total) / limits::kPeerSendParts});
    const std::size_t floor = total < bound + limits::kSendReserve ? limits::kPeerSendFloor : 0;
    const std::size_t room = std::max(left(share, own), left(floor, own));
    return room >= limits::kPeerSendFloor / 2 ? room : 0;
}

}  // namespace skald::broker
