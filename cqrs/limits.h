// Every bound of aggregates and read models in one place, with what happens when it is reached.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/limits.h"

namespace skald::cqrs::limits {

// Of a described struct: beyond, the process aborts when the description is first used.
inline constexpr std::size_t kFieldsMax = 64;  // a bit each
// Events asked for in one page while an aggregate is loaded.
inline constexpr std::uint32_t kLoadPageEvents = 1000;
static_assert(kLoadPageEvents <= skald::limits::kPageEventsMax);
// Commands of one aggregate that are remembered: the oldest is forgotten.
inline constexpr std::size_t kCommandsRememberedMax = 4096;
// Times that one and the same append is sent again while its outcome is unknown: beyond,
// outcome_unknown.
inline constexpr unsigned kResendsMax = 3;
// Items of a query that a decision rests on, with those of fail_if_exists: beyond,
// request_too_large. One more is added for the command's own events.
inline constexpr std::size_t kBoundaryItemsMax = 14;
static_assert(kBoundaryItemsMax < skald::limits::kQueryItemsMax);
// Aggregates held in a repository's cache: what was not used for longest goes.
inline constexpr std::size_t kCachedAggregatesMax = 1'000'000;

// ---- rows: beyond, invalid_event for the row; the projector's poison policy answers
inline constexpr std::size_t kRowKeyBytesMax = 260;
inline constexpr std::size_t kIndexValueBytesMax = 251;
static_assert(kRowKeyBytesMax + kIndexValueBytesMax == 511, "LMDB's longest key");
inline constexpr std::size_t kRowBytesMax = 4 * skald::limits::kMiB;
// Of a declaration: beyond, the process aborts.
inline constexpr std::size_t kIndexesMax = 16;
inline constexpr std::size_t kIndexColumnsMax = 8;

// ---- read models
// Versions kept at a time: beyond, a new one is refused with request_too_large.
inline constexpr std::size_t kVersionsMax = 8;
inline constexpr std::size_t kModelNameBytesMax = 255;
inline constexpr std::size_t kModelMapBytes = 256 * skald::limits::kGiB;
inline constexpr unsigned kModelReadersMax = 512;  // at once: beyond, a query is busy
// Of one query: beyond, invalid_argument.
inline constexpr std::uint32_t kQueryRowsMax = 10'000;
// A page ends at the row that passes it.

// ---- live queries
inline constexpr std::size_t kLiveQueriesMax = 256;  // of a model: beyond, busy
// Of a snapshot: beyond, request_too_large.
inline constexpr std::size_t kLiveRowsMax = 100'000;
inline constexpr std::size_t kLiveSnapshotBytesMax = 64 * skald::limits::kMiB;
// Changes that wait for one consumer: beyond, they are dropped and it gets a fresh snapshot.
inline constexpr std::size_t kLiveChangesMax = 65'536;
inline constexpr std::size_t kLiveBytesMax = 32 * skald::limits::kMiB;

// ---- a projector's batch is committed at the end of the delivery that reaches one of these, or
// when the projector has caught up
inline constexpr std::size_t kProjectBatchEvents = 10'000;
inline constexpr std::size_t kProjectBatchBytes = 32 * skald::limits::kMiB;  // of changed rows
inline constexpr auto kProjectBatchTime = std::chrono::milliseconds(250);
// Changed rows of one delivery: beyond, what there is is committed in the middle of it.
inline constexpr std::size_t kProjectBytesMax = 2 * kProjectBatchBytes;
inline constexpr std::uint32_t kProjectEventsInFlight = 2 * kProjectBatchEvents;
inline constexpr std::uint32_t kProjectBytesInFlight = 16 * skald::limits::kMiB;
// Events skipped before the checkpoint is stored though no row changed.
inline constexpr std::uint64_t kCheckpointEvents = 65'536;
// Lanes of a projection: beyond, invalid_argument. Events that are not in the fullest lane: fewer
// are not worth the other threads. Events tried in lanes at once, and such tries left out after one
// that came to nothing: doubled from 1 each time.
inline constexpr std::size_t kLanesMax = 16;
inline constexpr std::size_t kLaneEventsMin = 32;
inline constexpr std::size_t kLaneEventsMax = 4'096;
inline constexpr std::size_t kLaneRestMax = 64;
// Keys and events that are parked: beyond, the projector stops.
inline constexpr std::size_t kParkedKeysMax = 10'000;
inline constexpr std::size_t kParkedEventsMax = 1'000'000;
inline constexpr std::size_t kParkKeyBytesMax = 200;  // cut there
inline constexpr std::size_t kParkedListMax = 1'000;  // of one answer
// Parked events read from the log and projected in one step of a replay.
inline constexpr std::size_t kReplayEvents = 256;
inline constexpr std::size_t kFailureTextMax = 1'000;  // of a reason: cut there

// ---- inline projections
// Changed rows of one commit: beyond, the next append is busy; and of one append: beyond, it is
// request_too_large.
inline constexpr std::size_t kInlineCommitBytes = 64 * skald::limits::kMiB;
inline constexpr std::size_t kInlineRequestBytes = 32 * skald::limits::kMiB;
// Before it is attached: the log is followed until no more are left, or so many times.
inline constexpr std::uint64_t kInlineLastEvents = 10'000;
inline constexpr unsigned kInlinePassesMax = 8;
// At once the version that is built, the one it replaces, and one that was never finished.
static_assert(1 + 3 * (2 + kIndexesMax) <= skald::limits::kInlineDatabasesMax);

// ---- declared projections: beyond, the file is refused with invalid_argument
inline constexpr std::size_t kDeclaredModelsMax = 256;  // request_too_large
inline constexpr std::size_t kDeclaredNameBytesMax = 100;
inline constexpr std::size_t kDeclaredColumnsMax = 64;
inline constexpr std::size_t kDeclaredRulesMax = 256;
inline constexpr std::size_t kDeclaredConditionsMax = 16;  // of one rule
inline constexpr std::size_t kDeclaredGlobsMax = 60;       // of one list of types or streams
inline constexpr std::size_t kDeclaredPathSegmentsMax = 16;
inline constexpr std::size_t kDeclaredKeyDotsMax = 16;  // of one key in the file

// ---- read models over a node: a wait is cut to this, and a page ends at these bytes: as text in
// text, rows may become twice as many, and a reply has 4 MiB
inline constexpr auto kRemoteWaitMax = std::chrono::milliseconds(540'000);
inline constexpr std::size_t kBriefPageBytesMax = 64 * 1024;  // answered on the node's thread
inline constexpr std::size_t kRemotePageBytesMax = 2 * skald::limits::kMiB - 64 * 1024;

// ---- live queries over a node
// Of a model and of a program that serves: beyond, busy. A client serves 256 names at a time.
inline constexpr std::size_t kRemoteLiveModelMax = 64;
inline constexpr std::size_t kRemoteLiveMax = 128;
// Of rows that a program holds for all askers: looked at when one begins and with each look below.
// While it is passed, the one that holds most ends with busy.
inline constexpr std::size_t kRemoteLiveBytesMax = skald::limits::kGiB;
static_assert(kRemoteLiveBytesMax > kLiveSnapshotBytesMax + kLiveBytesMax);
// Of one answer, as it travels: the row that would pass it goes into the next. A row that fits into
// no reply at all ends its live query.
inline constexpr std::size_t kLiveAnswerBytesMax = skald::limits::kMiB;
inline constexpr std::size_t kLiveRowBytesMax = skald::limits::kRequestBytesMax - 64 * 1024;
// A poll waits for something to tell as long as it says, up to this.
inline constexpr auto kLivePollMax = std::chrono::milliseconds(30'000);
// As our own asker says. Its request gets its usual time besides.
inline constexpr auto kLivePoll = std::chrono::milliseconds(5'000);
// A live query that nobody polls for so long ends, at most one look later.
inline constexpr auto kLiveUnpolledMax = std::chrono::milliseconds(30'000);
static_assert(kLivePoll < kLiveUnpolledMax);
inline constexpr auto kLiveLook = std::chrono::milliseconds(1'000);
// What is not answered is asked again, after pauses that grow, so often: then the live query ends.
inline constexpr auto kLivePauseMin = std::chrono::milliseconds(50);
inline constexpr auto kLivePauseMax = std::chrono::milliseconds(5'000);
inline constexpr unsigned kLiveAttemptsMax = 20;
// Begun anew it waits so long for the rows to be as new as those it told.
inline constexpr auto kLiveAnewWait = std::chrono::milliseconds(5'000);

}  // namespace skald::cqrs::limits
