// Bounds of SQL read models, with what happens when they are reached. Batches: cqrs/limits.h.
#pragma once

#include <cstddef>

#include "base/limits.h"

namespace skald::sql::limits {

// Of a projection: beyond, invalid_argument.
inline constexpr std::size_t kNameBytesMax = 64;
inline constexpr std::size_t kTablesMax = 64;
inline constexpr std::size_t kDefinitionBytesMax = 64 * skald::limits::kKiB;
// Prepared statements kept: beyond, all are prepared anew.
inline constexpr std::size_t kStatementsMax = 256;

}  // namespace skald::sql::limits
