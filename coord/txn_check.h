// What every store refuses: one place, so that a call gets the same answer from each.
#pragma once

#include "skald/coord.h"

namespace skald::coord {

// invalid_argument; request_too_large, as of Coord. It takes no look at the store.
Result<void> check_txn(const Txn& txn);
// invalid_argument.
Result<void> check_ttl(std::chrono::milliseconds ttl);
// What an entry counts for, and request_too_large when one request finds more.
std::size_t counted(const Entry& entry);
Result<void> check_found(std::size_t bytes);

}  // namespace skald::coord
