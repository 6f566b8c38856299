// LMDB's directory of the databases that an environment has.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/lmdb/env.h"

namespace skald::store::lmdb {

// Name -> what LMDB keeps of the database. Only for reading.
inline constexpr Database kDirectory{1};

// Of those that begin with `prefix`, rising.
Result<std::vector<std::string>> database_names(const Txn& txn, std::string_view prefix);

}  // namespace skald::store::lmdb
