// A subscription to the store in memory: a thread that walks a cursor and calls the handler.
#pragma once

#include <memory>

#include "store/local_subscription.h"
#include "store/memory/memory_state.h"

namespace skald::store {

// `keeper` outlives the subscription.
std::unique_ptr<Subscription> subscribe_memory(std::shared_ptr<MemoryState> state,
                                               MemoryCursor cursor, const Subscribe& request,
                                               SubscriptionHandler& handler, ThreadKeeper& keeper);

}  // namespace skald::store
