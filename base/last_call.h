// The last call to a subscription's handler.
#pragma once

#include "skald/event_store.h"

namespace skald {

// What the handler throws is dropped: there is nobody left to tell.
inline void tell_ended(SubscriptionHandler& handler, const Error& reason,
                       const Position& position) noexcept {
    try {
        handler.on_ended(reason, position);
    } catch (...) {
        return;
    }
}

}  // namespace skald
