// A node's coordination store, over its services.
#pragma once

#include <chrono>
#include <memory>

#include "skald/coord.h"
#include "skald/services.h"

namespace skald::client {

// `timeout` bounds each call; a watch is lost when the node was not heard for so long.
std::unique_ptr<coord::Coord> coord_over(std::unique_ptr<Services> services,
                                         std::chrono::milliseconds timeout);

}  // namespace skald::client
