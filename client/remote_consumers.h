// Durable consumers of a node, over its services.
#pragma once

#include <chrono>
#include <memory>

#include "skald/consumers.h"
#include "skald/services.h"

namespace skald::client {

// `timeout` bounds each call.
std::unique_ptr<Consumers> consumers_over(std::unique_ptr<Services> services,
                                          std::chrono::milliseconds timeout);

}  // namespace skald::client
