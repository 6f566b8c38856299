// LMDB's list of pages that no longer hold anything, as the last commit left it.
#pragma once

#include "store/lmdb/env.h"

namespace skald::store::lmdb {

// Transaction -> how many pages it freed, and their numbers, falling. Only for reading.
inline constexpr Database kFreeList{0};

Result<std::uint64_t> free_pages(const Env& env);

}  // namespace skald::store::lmdb
