// Bounds of a node that are not settable, with what happens when they are reached.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/limits.h"

namespace skald::broker {

// One round of the node's thread takes at most this much off the socket; the rest waits its turn.
inline constexpr std::size_t kRoundBytesMax = 4 * limits::kMiB;
inline constexpr std::size_t kRoundMessagesMax = 8192;
// Taken off the sockets without once finding them empty: beyond, nothing more is let in until they
// are.
inline constexpr std::size_t kBehindBytesMax = 4 * limits::kMiB;
inline constexpr std::size_t kBehindMessagesMax = 8192;

// Beyond: the connection ends.
inline constexpr std::size_t kMessagePartBytesMax = 16 * limits::kMiB;
// Beyond: the message is discarded.
inline constexpr std::size_t kMessageFramesMax = 1024;

// Requests that are not appends, unanswered at one time, queued ones included: Rejected busy.
inline constexpr std::uint32_t kPlainRequestsMax = 64;
// Malformed messages of a session: Goodbye from then on.
inline constexpr std::uint32_t kMalformedMax = 16;
inline constexpr std::size_t kClientNameBytesMax = 255;

// Of a partition: beyond, its configuration is corrupt.
inline constexpr std::size_t kReplicasMax = 16;

// A subscription's credit in hand is cut to this.
inline constexpr std::uint64_t kCreditEventsMax = 65536;
inline constexpr std::uint64_t kCreditBytesMax = 64 * limits::kMiB;
// What subscriptions of all sessions take, their cursors and selections: beyond, busy.
inline constexpr std::size_t kSubscriptionBytesMax = 32 * limits::kMiB;
// Of one: what it counts for whatever it selects, and for each partition it reads.
inline constexpr std::size_t kSubscriptionBytes = 448;
inline constexpr std::size_t kSubscriptionPartBytes = 512;
// One Deliver aims at this, so that most batches go out whole and need no slicing.
inline constexpr std::size_t kDeliverBytes = 1 * limits::kMiB;
// One LogBatches aims at this, for a turn's sake.
inline constexpr std::size_t kLogBytes = 1 * limits::kMiB;
// A filter that skips reports where it stands after this many records.
inline constexpr std::uint64_t kCheckpointRecords = 4096;
// A peer's part of what may wait in the sockets is no less than this, however many there are.
inline constexpr std::size_t kSendPartMin = 256 * limits::kKiB;

// Ranges in one Receipts message, well below what an envelope may hold.
inline constexpr std::size_t kReceiptRangesMax = 2048;
inline constexpr std::uint32_t kReceiptRangeCountMax = 8192;

// What a request in hand takes beside its bytes, here and in the volume: counted for the node.
inline constexpr std::size_t kRequestCost = 512;

// Ephemeral events: one slice of a fan-out looks at this many subscriptions, and one turn sends
// this many to a peer; the rest waits for the next, when the socket knows of them.
inline constexpr std::size_t kFanOutStep = 256;
inline constexpr std::size_t kTurnEphemeralMax = 512;
// From other threads of this process: so much on its way to the node's thread (beyond, busy), and
// as much again there.
inline constexpr std::size_t kRelayedEventsMax = 1024;
inline constexpr std::size_t kRelayedBytesMax = 4 * limits::kMiB;
// Messages with bodies that a peer has not taken: beyond, it has no room.
inline constexpr std::size_t kPeerBodiesMax = limits::kPeerMessagesMax / 2;

// Services. Workers of all sessions, and of one: beyond, busy.
inline constexpr std::size_t kWorkersMax = 16384;
inline constexpr std::size_t kSessionWorkersMax = 256;
// Of a worker and of a name: beyond, or none, invalid_argument.
inline constexpr std::size_t kServiceNameBytesMax = 240;
inline constexpr std::uint32_t kWorkerWeightMax = 1000;
inline constexpr std::uint32_t kWorkerCapacityMax = 1024;
// Requests that wait for a worker of one service, and that one session has unanswered: beyond,
// busy.
inline constexpr std::size_t kServiceQueueMax = 4096;
inline constexpr std::size_t kSessionCallsMax = 1024;
// Of a worker's error, for an asker that takes nothing.
inline constexpr std::size_t kShortErrorBytes = 1024;
// A request's time is cut to this.
inline constexpr auto kServiceTimeMax = std::chrono::minutes(10);

// A Goodbye to a connection without a session, at most this often in all.
inline constexpr auto kStrangerInterval = std::chrono::milliseconds(10);

}  // namespace skald::broker
