// What every store refuses before it does anything: one place, so that a call gets the same answer
// from each.
#pragma once

#include "skald/coord.h"

namespace skald::coord {

// invalid_argument; request_too_large, as of Coord. What takes a look at the store is not asked.
Result<void> check_txn(const Txn& txn);
// invalid_argument.
Result<void> check_ttl(std::chrono::milliseconds ttl);

}  // namespace skald::coord
