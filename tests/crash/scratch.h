// Streams whose events come and go: appends without producers, and every lifecycle change. What is
// in them is not acknowledged to anybody; verify must find the log sound with them in it.
#pragma once

#include <cstdint>

#include "skald/event_store.h"

namespace skald::crash {

// `steps` changes, or until the store fails when it is 0. The error is the store's.
Result<void> change_scratch(EventStore& store, std::uint64_t seed, std::uint64_t steps);

}  // namespace skald::crash
