// An append under a fence, as what a lock or an election guards makes it.
#pragma once

#include <string>

#include "skald/event_store.h"

namespace skald::coord {

inline Errc fenced_append(EventStore& store, const std::string& name, std::uint64_t token) {
    NewEvent sent;
    sent.type = "Sent";
    Append request = Append::one("mail-1", sent);
    request.fence = Fence{name, token};
    const auto receipt = store.append(request);
    return receipt ? Errc{} : receipt.error().code;
}

}  // namespace skald::coord
