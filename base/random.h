// The system's randomness, for ids and seeds. What must be the same twice is handed in instead.
//
// Threads: any. A system without randomness ends the process.
#pragma once

#include <cstdint>

#include "skald/ids.h"

namespace skald {

std::uint64_t random_number();
Uuid random_uuid();  // of version 4

}  // namespace skald
