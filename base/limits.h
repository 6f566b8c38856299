// Every bound of skald in one place, with what happens when it is reached. Bytes unless named.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace skald::limits {

inline constexpr std::size_t kKiB = 1024;
inline constexpr std::size_t kMiB = 1024 * kKiB;
inline constexpr std::size_t kGiB = 1024 * kMiB;

// ---- names and events: beyond, invalid_stream_name, invalid_event or event_too_large
inline constexpr std::size_t kStreamNameBytesMax = 255;
inline constexpr std::size_t kTypeBytesMax = 255;
inline constexpr std::uint64_t kVersionMax = (std::uint64_t{1} << 62) - 1;  // of a stream
inline constexpr std::size_t kIdTextBytesMax = 255;  // correlation, causation, command, trace
inline constexpr std::size_t kTagBytesMax = 255;
inline constexpr std::size_t kTagsMax = 64;
inline constexpr std::size_t kEventDataBytesMax = 1 * kMiB;
inline constexpr std::size_t kControlDataBytesMax = 3 * kMiB;  // of our own records
inline constexpr std::size_t kEventFieldsBytesMax = 60 * kKiB;
inline constexpr std::size_t kFieldBytesMax = 32 * kKiB;

// ---- requests: beyond, request_too_large
inline constexpr std::size_t kRequestEventsMax = 4096;
inline constexpr std::size_t kRequestBytesMax = 4 * kMiB;
inline constexpr std::size_t kRequestStreamsMax = 256;
inline constexpr std::size_t kRequestChecksMax = 256;
// Of an error that travels; cut there.
inline constexpr std::size_t kErrorTextBytesMax = 64 * 1024;
inline constexpr std::size_t kErrorConflictsMax = kRequestStreamsMax + kRequestChecksMax + 1;
inline constexpr std::size_t kQueryItemsMax = 16;
inline constexpr std::size_t kQueryTypesMax = 32;
inline constexpr std::size_t kQueryTagsMax = 16;
inline constexpr std::size_t kFenceNameBytesMax = 255;

// ---- batches: when one is full, what waits goes into the next commit
inline constexpr std::size_t kBatchRecordsMax = 16384;
inline constexpr std::size_t kBatchBytesMax = 4 * kMiB;  // closed once it is this large
inline constexpr std::size_t kBatchBytesHardMax = 2 * kBatchBytesMax + kRequestBytesMax;
static_assert(2 * kBatchRecordsMax + kRequestEventsMax < 0xffff, "names are numbered in 16 bits");
static_assert(kBatchBytesHardMax < 0xffffffff, "places are 32 bits");

// ---- the writer's queue: beyond, busy
inline constexpr std::size_t kQueueRequestsMax = 65536;
inline constexpr std::size_t kQueueBytesMax = 32 * kMiB;

// ---- reads: a page ends at the first bound it reaches
inline constexpr std::size_t kPageEventsMax = 4096;
inline constexpr std::size_t kPageBytesMax = 4 * kMiB;
inline constexpr std::uint32_t kListMax = 1000;
// Of the types and of the streams of one selection: beyond, invalid_argument.
inline constexpr std::size_t kGlobsMax = 64;
inline constexpr std::size_t kGlobBytesMax = 255;
// A filter that skips this many records ends the page, so that its reader gets a checkpoint.
inline constexpr std::size_t kScanRecordsMax = 65536;

// ---- subscriptions: beyond, invalid_argument
inline constexpr std::uint32_t kEventsInFlightMax = 65536;
inline constexpr std::uint32_t kBytesInFlightMin = 64 * kKiB;
inline constexpr std::uint32_t kBytesInFlightMax = 64 * kMiB;

// ---- idempotency
inline constexpr std::size_t kProducerRequestsMax = 4096;  // remembered per producer
inline constexpr std::size_t kRecentIdsMax = 1'000'000;    // best effort
inline constexpr auto kRecentIdsAge = std::chrono::minutes(10);

// ---- a client
// Appends and changes without an outcome: beyond, append waits and append_async is busy.
inline constexpr std::size_t kClientRequestsMax = 16384;
inline constexpr std::size_t kClientBytesMax = 16 * kMiB;
// The memory of finished ones, kept to be used again: beyond, it is freed.
inline constexpr std::size_t kClientSpareBytes = 8 * kMiB;
// Other requests on their way to the node: beyond, they wait. Pages are large, and a node answers
// busy to whoever leaves too many of them untaken.
inline constexpr std::size_t kClientPlainUnderWay = 4;
inline constexpr std::size_t kClientPlainWaitingMax = 4096;  // beyond, busy

// ---- the log's index
inline constexpr std::size_t kTailEventsMax = 65536;  // in memory, then sealed into a run
inline constexpr auto kSliceTimeMax = std::chrono::milliseconds(5);
// Of the ends of streams in use: beyond, those put least recently are looked up in the index again.
inline constexpr std::size_t kHeadCacheBytesMax = 4 * kMiB;
inline constexpr std::size_t kSliceBytesMax = 512 * kKiB;  // of index blocks in one commit

// ---- what a node sends and a peer has not taken: beyond, the peer's reads and deliveries wait.
// A peer may hold a share of what is left of NodeLimits::send_bytes_queued, so that N peers that
// stand still hold N / (N + kPeerSendParts) of it and leave the rest. A peer that holds next to
// nothing gets something even then, out of a reserve.
inline constexpr std::size_t kSendBytesQueued = 48 * kMiB;
inline constexpr std::size_t kPeerSendBytesMax = 16 * kMiB;
inline constexpr std::size_t kPeerSendParts = 8;
inline constexpr std::size_t kPeerSendFloor = 64 * kKiB;
inline constexpr std::size_t kSendReserve = 32 * kMiB;
// What is smaller is copied and not counted. kPeerMessagesMax bounds it: beyond, the session ends.
inline constexpr std::size_t kUncountedBytesMax = 256;
inline constexpr int kPeerMessagesMax = 4096;
// One turn of the node's thread; the rest waits for the next.
inline constexpr std::size_t kTurnSendBytesMax = 4 * kMiB;
inline constexpr std::size_t kTurnStepsMax = 64;
inline constexpr std::size_t kVisitStepsMax = 16;  // of one session
inline constexpr auto kTurnTimeMax = std::chrono::milliseconds(2);
// A node commits a lone request on its own thread as long as commits take no longer than this.
inline constexpr auto kCommitHereTimeMax = std::chrono::milliseconds(1);
inline constexpr std::size_t kStepRecordsMax = 4096;  // looked at for one reader

// ---- what a node holds for clients beside appends: beyond, busy
inline constexpr std::size_t kNodeSubscriptionsMax = 32768;
inline constexpr std::size_t kNodeJobsMax = 64;  // beyond, lists of streams wait in their session

// ---- connections of a node
inline constexpr int kListenBacklog = 4096;                        // beyond, the system refuses
inline constexpr auto kHandshakeMax = std::chrono::seconds(5);     // beyond, closed
inline constexpr auto kSendSilenceMax = std::chrono::seconds(15);  // nothing taken: closed

// ---- consumers: settings beyond are invalid_argument
inline constexpr std::size_t kConsumersMax = 1024;        // of a node: beyond, busy
inline constexpr std::size_t kConsumerMembersMax = 1024;  // of a consumer: beyond, busy
inline constexpr std::size_t kConsumerNameBytesMax = 200;
inline constexpr std::size_t kConsumerKeyBytesMax = 255;
inline constexpr std::uint32_t kConsumerInFlightMax = 16384;
inline constexpr auto kAckTimeoutMin = std::chrono::milliseconds(10);
inline constexpr auto kWorkTimeMax = std::chrono::milliseconds(std::chrono::hours(24));
inline constexpr double kBackoffFactorMax = 10;
inline constexpr std::size_t kMemberNameBytesMax = 255;
// Of an event, until it may be given out, and then until it expires.
inline constexpr auto kDeliveryTimeMax = std::chrono::milliseconds(std::chrono::hours(24 * 36500));
inline constexpr auto kLeaseMin = std::chrono::milliseconds(100);
inline constexpr auto kLeaseMax = std::chrono::milliseconds(std::chrono::minutes(10));
inline constexpr std::size_t kMemberAnswersMax = 4096;    // of one request: beyond, malformed
inline constexpr std::size_t kWorkReasonBytesMax = 1024;  // cut there
// Events known and neither done, delayed nor parked, and those delayed, and those parked: beyond,
// the consumer reads no further until there are less.
inline constexpr std::size_t kConsumerWindowMax = 65536;
inline constexpr std::size_t kConsumerDelayedMax = std::size_t{1} << 20;
inline constexpr std::size_t kConsumerParkedMax = 100'000;
// What a member gets at one time.
inline constexpr std::size_t kConsumerPageEventsMax = 4096;
inline constexpr std::size_t kConsumerPageBytes = 512 * kKiB;
// Records without a match, behind which a consumer writes down how far it is.
inline constexpr std::uint64_t kConsumerLookedMax = 65536;
// Of a consumer's records behind the last whole one, which a start reads: then the next is written.
// More of them where a whole one is large: as many as cost what it does, each as so many items.
inline constexpr std::size_t kConsumerRecordsMax = 256;
inline constexpr std::size_t kConsumerRecordItems = 16;
inline constexpr std::size_t kConsumerItemsMin = 4096;
// Of one record, and of one part of a whole one: some 48 bytes each. What would be more waits for
// the next.
inline constexpr std::size_t kConsumerPartItemsMax = 4096;

// ---- queues
inline constexpr std::uint64_t kQueueCountMax = std::uint64_t{1} << 40;  // events, and so on
inline constexpr std::uint64_t kQueueKeptBytesMax = std::uint64_t{1} << 50;
inline constexpr auto kQueueWaitMin = std::chrono::milliseconds(1);
inline constexpr auto kQueueWaitMax = std::chrono::milliseconds(std::chrono::minutes(10));
// Appends of a volume that wait for room in full queues, with those that must not overtake them:
// beyond, busy. Half of what a node may hold, so that others, and answers of members, find room.
inline constexpr std::size_t kWaitingRequestsMax = 4096;
inline constexpr std::size_t kWaitingBytesMax = 16 * kMiB;
// A queue that drops its oldest events may hold so much more of them until it has: beyond, busy.
inline constexpr std::uint64_t kQueueOverCount = 65536;
inline constexpr std::uint64_t kQueueOverBytes = 64 * kMiB;
// What is done is removed from the log once it is so many events, or so long ago.
inline constexpr std::uint64_t kQueueRemoveEvents = 4096;
inline constexpr auto kQueueRemoveEvery = std::chrono::seconds(1);
// Behind the first event that is not done, so many ranges of others are removed; the rest later.
inline constexpr std::size_t kRemovedRangesMax = 1024;

// ---- schedules: beyond, invalid_argument
inline constexpr std::size_t kScheduleBytesMax = 512;  // all values of all fields take fewer
inline constexpr auto kScheduleEveryMin = std::chrono::milliseconds(10);
inline constexpr auto kScheduleEveryMax = std::chrono::hours(366 * 24);

// ---- the data directory
inline constexpr std::uint16_t kPartitionsMax = 1024;
// Attached inline handlers: beyond, request_too_large; and the databases that each may open.
inline constexpr std::size_t kInlineHandlersMax = 8;
inline constexpr unsigned kInlineDatabasesMax = 64;
inline constexpr std::size_t kMapBytesDefault = 1024 * kGiB;
inline constexpr std::size_t kReadersMax = 1024;
inline constexpr auto kReadTxnAgeMax = std::chrono::seconds(2);
inline constexpr auto kReaderCheckEvery = std::chrono::seconds(10);  // for those of dead processes
inline constexpr std::size_t kSnapshotBytesMax = 4 * kMiB;

}  // namespace skald::limits
