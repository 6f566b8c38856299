// Bounds of the coordination store, with what happens when they are reached.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/limits.h"

namespace skald::coord {

// Beyond: invalid_argument.
inline constexpr std::size_t kKeyBytesMax = 511;  // LMDB's longest
inline constexpr std::size_t kValueBytesMax = 64 * limits::kKiB;
inline constexpr std::chrono::milliseconds kTtlMin{1000};
inline constexpr std::chrono::milliseconds kTtlMax{24 * 3600 * 1000};
// Of one transaction: beyond, request_too_large.
inline constexpr std::size_t kOperationsMax = 128;  // and compares
inline constexpr std::size_t kTxnBytesMax = 1 * limits::kMiB;
// Of a store: beyond, busy.
inline constexpr std::size_t kStoreBytesMax = 64 * limits::kMiB;
inline constexpr std::size_t kEntryBytes = 128;  // what each counts for beside key and value
inline constexpr std::size_t kLeasesMax = 65536;
inline constexpr std::size_t kWatchesMax = 4096;
// Of its file: what is freed is used again.
inline constexpr std::size_t kMapBytes = 4 * kStoreBytesMax + 64 * limits::kMiB;
// Of a lock: beyond, invalid_argument.
inline constexpr std::size_t kLockNamesMax = 16;
inline constexpr std::size_t kLockNameBytesMax = 200;
inline constexpr std::size_t kLockTextBytesMax = 255;  // owner, reason
inline constexpr std::chrono::milliseconds kLockWaitMax{24 * 3600 * 1000};
// What watches may still ask for: what is older is compacted.
inline constexpr std::size_t kHistoryMax = 16384;
inline constexpr std::size_t kHistoryBytesMax = 8 * limits::kMiB;

}  // namespace skald::coord
