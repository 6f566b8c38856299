// Bounds of the coordination store, with what happens when they are reached.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

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
// What one request finds, each entry counted for kEntryBytes more; one message holds it in any
// form. Beyond: request_too_large.
inline constexpr std::size_t kFoundBytesMax = 7 * limits::kMiB / 2;
// Of a store: beyond, busy.
inline constexpr std::size_t kStoreBytesMax = 64 * limits::kMiB;
inline constexpr std::size_t kEntryBytes = 128;  // what each counts for beside key and value
inline constexpr std::size_t kLeasesMax = 65536;
inline constexpr std::size_t kWatchesMax = 4096;
// Of its file: what is freed is used again.
inline constexpr std::size_t kMapBytes = 4 * kStoreBytesMax + 64 * limits::kMiB;
// How often a lease is kept alive at most: beyond, invalid_argument.
inline constexpr std::chrono::milliseconds kHeartbeatMin{100};
// Of a client of etcd.
inline constexpr std::size_t kEtcdWatchesMax = 256;   // beyond, busy
inline constexpr std::size_t kHttpRequestsMax = 512;  // under way: beyond, busy
// What is found fits, in any form and below any prefix. Beyond: request_too_large.
inline constexpr std::size_t kHttpReplyBytesMax = 32 * limits::kMiB;
// One line of a watch, one revision in pieces: beyond, it is lost. What waits for handlers: beyond,
// it is asked for again later.
inline constexpr std::size_t kHttpLineBytesMax = 16 * limits::kMiB;
inline constexpr std::size_t kEtcdRevisionBytesMax = 64 * limits::kMiB;
inline constexpr std::size_t kEtcdUntoldBytesMax = 16 * limits::kMiB;
inline constexpr std::size_t kEtcdPrefixBytesMax = 255;  // beyond, invalid_argument, like the rest
inline constexpr std::size_t kEtcdEndpointsMax = 16;
inline constexpr std::chrono::milliseconds kEtcdTimeoutMin{100};
inline constexpr std::chrono::milliseconds kEtcdTimeoutMax{5 * 60 * 1000};
// Of a lock: beyond, invalid_argument.
inline constexpr std::size_t kLockNamesMax = 16;
inline constexpr std::size_t kLockNameBytesMax = 200;
inline constexpr std::size_t kLockTextBytesMax = 255;  // owner, reason
inline constexpr std::chrono::milliseconds kLockWaitMax{24 * 3600 * 1000};
// Of settings: beyond, invalid_argument.
inline constexpr std::size_t kSettingNameBytesMax = 200;  // of a service, of a key
inline constexpr std::size_t kSettingValueBytesMax = 32 * limits::kKiB;
inline constexpr std::size_t kSettingTextBytesMax = 255;  // who sets it; a choice
inline constexpr std::size_t kSettingChoicesMax = 64;
inline constexpr std::size_t kSettingDescriptionBytesMax = 1024;
inline constexpr std::chrono::hours kSettingDurationMax{24 * 3650};
// Of a key of a service: the oldest is erased.
inline constexpr std::size_t kSettingChangesMax = 32;
// How often a change is tried that others came before: beyond, busy.
inline constexpr int kSettingTriesMax = 64;
// Of an instance: beyond, invalid_argument.
inline constexpr std::size_t kInstanceNameBytesMax = 120;  // of its service; its id
inline constexpr std::size_t kInstanceTextBytesMax = 512;  // endpoint; target of a probe
inline constexpr std::size_t kMetadataMax = 64;            // entries
inline constexpr std::size_t kMetadataKeyBytesMax = 128;
inline constexpr std::size_t kMetadataValueBytesMax = 1024;
inline constexpr std::chrono::milliseconds kProbeIntervalMin{100};
inline constexpr std::chrono::milliseconds kProbeIntervalMax{3600 * 1000};
inline constexpr std::chrono::milliseconds kProbeTimeoutMin{10};
// Why a check failed: what is longer is cut.
inline constexpr std::size_t kCheckFailureBytesMax = 512;
// Of the bytes of an answer's head that a look reads: beyond, it failed.
inline constexpr std::uint32_t kAnswerHeadBytesMax = 16 * limits::kKiB;
// Of a registry: looks that are taken at one time; the others wait for one to end.
inline constexpr std::size_t kLooksMax = 4;
// Services whose instances it remembers for when the store is out of reach: beyond, the one that
// was asked for longest ago is forgotten.
inline constexpr std::size_t kKnownServicesMax = 256;
// Between attempts to begin anew what was followed, or to deal with what was found: doubled each
// time.
inline constexpr std::chrono::milliseconds kFollowPauseMin{50};
inline constexpr std::chrono::milliseconds kFollowPauseMax{2000};
// Of an election: beyond, invalid_argument.
inline constexpr std::size_t kElectionNameBytesMax = 200;
inline constexpr std::size_t kCandidateBytesMax = 4096;  // its value
inline constexpr std::size_t kDismissalBytesMax = 255;   // by whom, the reason
inline constexpr std::chrono::milliseconds kAwaitMax{24 * 3600 * 1000};
// Who campaigns beyond: busy. A few more where many join at once.
inline constexpr std::size_t kCandidatesMax = 256;
// Older ones are erased.
inline constexpr std::size_t kTermsKept = 100;
// Of a change that others came before, or whose outcome is not known. Beyond: that error.
inline constexpr int kElectionTriesMax = 16;
// What watches may still ask for: what is older is compacted.
inline constexpr std::size_t kHistoryMax = 16384;
inline constexpr std::size_t kHistoryBytesMax = 8 * limits::kMiB;

}  // namespace skald::coord
