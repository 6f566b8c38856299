// Bounds of the client's own, with what happens when they are reached.
#pragma once

#include <cstddef>

namespace skald::client {

// Of one connection to a coordination store: each is a request that waits at the node. Beyond,
// busy.
inline constexpr std::size_t kWatchesMax = 900;  // of the 1,024 requests of a session

}  // namespace skald::client
