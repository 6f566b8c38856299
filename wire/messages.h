// The messages of the client protocol as our own structs (docs/protocol.md). What handlers see.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "skald/admin.h"
#include "skald/error.h"
#include "skald/event_store.h"
#include "skald/log_source.h"
#include "skald/services.h"

namespace skald::wire::msg {

inline constexpr std::uint16_t kProtocolMin = 1;
inline constexpr std::uint16_t kProtocolMax = 1;
// Feature bits: what both ends have may be used.
inline constexpr std::uint64_t kFeatureEphemeral = 1;
inline constexpr std::uint64_t kFeatureLogs = 2;      // GetLog, FetchLog, FetchProducers, Scavenge
inline constexpr std::uint64_t kFeatureServices = 4;  // Serve, Unserve, Request, Respond
inline constexpr std::uint64_t kFeatures = kFeatureEphemeral | kFeatureLogs | kFeatureServices;
// Ids below are sequences in a partition, of Append and ChangeStream; others are above.
inline constexpr std::uint64_t kFirstPlainId = std::uint64_t{1} << 63;

// ---- from a client

struct Hello {
    std::uint16_t protocol_min = kProtocolMin;
    std::uint16_t protocol_max = kProtocolMax;
    std::uint64_t features = kFeatures;
    Uuid producer;
    Epoch producer_epoch{1};
    std::string client;
    std::uint64_t credit_bytes = 0;
    std::uint32_t credit_requests = 0;
    bool operator==(const Hello&) const = default;
};

// `request` points into the frame it was decoded from; empty: the message's body frame. It holds
// `count` requests, with ids rising by one; all before one in the message are resolved but those
// that stand in it.
struct Append {
    std::uint64_t id = 0;
    std::uint64_t resolved_below = 0;
    std::uint64_t after = 0;  // everything from here up to the id is resolved
    Partition partition;
    Bytes request;
    std::uint32_t count = 1;
};
struct Read {
    std::uint64_t id = 0;
    skald::Read read;
};
struct Subscribe {
    std::uint64_t id = 0;
    Selection selection;
    Start start = Beginning{};
    bool exclusive = false;
    std::uint64_t credit_events = 0;
    std::uint64_t credit_bytes = 0;
    bool ephemeral = false;
};
struct Credit {
    std::uint64_t subscription = 0;
    std::uint64_t events = 0;
    std::uint64_t bytes = 0;
};
struct Unsubscribe {
    std::uint64_t subscription = 0;
};
struct GetStream {
    std::uint64_t id = 0;
    std::string stream;
};
struct ListStreams {
    std::uint64_t id = 0;
    std::string glob;
    std::string after;
    std::uint32_t limit = 0;
};
struct ChangeStream {
    std::uint64_t id = 0;
    std::uint64_t resolved_below = 0;
    std::uint64_t after = 0;  // everything from here up to the id is resolved
    Partition partition;
    Lifecycle lifecycle;
};
struct GetSnapshot {
    std::uint64_t id = 0;
    std::string stream;
};
struct PutSnapshot {
    std::uint64_t id = 0;
    std::string stream;
    Version version;
    std::uint64_t fingerprint = 0;
};
struct GetPosition {
    std::uint64_t id = 0;
};
// The event is an append request in the body frame.
struct PublishEphemeral {
    std::uint64_t id = 0;
};
struct Bye {
    std::string reason;
};
struct GetLog {
    std::uint64_t id = 0;
};
struct FetchLog {
    std::uint64_t id = 0;
    Partition partition;
    Offset from;
    Offset end;
    std::uint32_t bytes = 0;
    bool operator==(const FetchLog&) const = default;
};
struct FetchProducers {
    std::uint64_t id = 0;
    Partition partition;
    std::string after;
    std::uint32_t bytes = 0;
};
// Begins the run unless it is known, and asks how it stands.
struct Scavenge {
    std::uint64_t id = 0;
    Uuid run;
};

struct Serve {
    std::uint64_t id = 0;
    std::string service;
    Balance balance = Balance::round_robin;
    std::uint32_t weight = 1;
    std::uint32_t capacity = 1;  // requests at one time
    bool operator==(const Serve&) const = default;
};
struct Unserve {
    std::uint64_t id = 0;
    std::uint64_t worker = 0;  // the id of its Serve
};
// The body frame is for the worker.
struct Request {
    std::uint64_t id = 0;
    std::string service;
    std::uint32_t deadline_ms = 0;
    bool operator==(const Request&) const = default;
};
// Without an error, the body frame is the reply.
struct Respond {
    std::uint64_t number = 0;
    std::optional<Error> error;
};

// ---- from both

struct Heartbeat {
    std::uint64_t number = 0;
};

// ---- from a node

struct PartitionState {
    Partition partition;
    Uuid lineage;
    Epoch epoch;
    Offset high_watermark;
    bool operator==(const PartitionState&) const = default;
};
struct Limits {
    std::uint64_t message_bytes = 0;
    std::uint64_t request_bytes = 0;
    std::uint32_t request_events = 0;
    std::uint32_t page_events = 0;
    std::uint64_t page_bytes = 0;
    std::uint32_t subscriptions = 0;
    bool operator==(const Limits&) const = default;
};
struct Welcome {
    std::uint16_t protocol = kProtocolMax;
    std::uint64_t features = 0;
    Uuid node;
    Uuid cluster;
    std::uint16_t partition_count = 1;
    std::vector<PartitionState> partitions;
    Limits limits;
    std::uint64_t credit_bytes = 0;
    std::uint32_t credit_requests = 0;
    std::uint32_t heartbeat_ms = 0;
    std::uint32_t expiry_ms = 0;
};
struct ReceiptRange {
    std::uint64_t first_id = 0;
    std::uint32_t count = 0;
    std::uint32_t records = 0;  // in each
    Partition partition;
    Offset offset;  // of the last event of the first request
    std::uint32_t offset_step = 0;
    Version version;
    std::uint32_t version_step = 0;
    std::vector<std::uint64_t> versions;  // instead of version and step, when not empty
    Epoch epoch;
    std::uint32_t digest = 0;
    bool repeated = false;
    bool primary = false;
    bool operator==(const ReceiptRange&) const = default;
};
struct Receipts {
    std::vector<ReceiptRange> ranges;
};
struct Rejected {
    std::uint64_t id = 0;
    Partition partition;  // when the id is a sequence
    Error error;
};
struct ChunkHead {
    Partition partition;
    std::uint32_t events = 0;
    Offset first;
    Offset next;
    bool operator==(const ChunkHead&) const = default;
};
struct Page {
    std::uint64_t id = 0;
    std::vector<ChunkHead> chunks;
    Position next;
    Start resume = Beginning{};
    bool end = false;
};
struct Subscribed {
    std::uint64_t id = 0;
    Position position;
};
struct Deliver {
    std::uint64_t subscription = 0;
    std::vector<ChunkHead> chunks;
    Position position;
};
struct Checkpoint {
    std::uint64_t subscription = 0;
    Position position;
};
struct CaughtUp {
    std::uint64_t subscription = 0;
    Position position;
};
struct FellBehind {
    std::uint64_t subscription = 0;
    Position position;
};
struct Ended {
    std::uint64_t subscription = 0;
    Error error;
    Position position;
};
// A body frame holds the event.
struct Ephemeral {
    std::uint64_t subscription = 0;
};
struct Dropped {
    std::uint64_t subscription = 0;
    std::uint64_t events = 0;
};
struct StreamAnswer {
    std::uint64_t id = 0;
    StreamInfo info;
};
struct StreamListAnswer {
    std::uint64_t id = 0;
    StreamList list;
};
struct SnapshotAnswer {
    std::uint64_t id = 0;
    bool found = false;  // then a body frame holds its bytes
    Version version;
    std::uint64_t fingerprint = 0;
};
struct PositionAnswer {
    std::uint64_t id = 0;
    Position position;
};
struct Done {
    std::uint64_t id = 0;
};
struct Busy {
    std::uint64_t credit_bytes = 0;
    std::uint32_t credit_requests = 0;
};
struct Goodbye {
    Error error;
};
struct LogAnswer {
    std::uint64_t id = 0;
    LogState state;
};
// Body frames: the batches.
struct LogBatches {
    std::uint64_t id = 0;
};
// A body frame holds the rows.
struct LogProducers {
    std::uint64_t id = 0;
    Offset covered;
    std::string next;
};
struct ScavengeAnswer {
    std::uint64_t id = 0;
    bool running = false;
    std::uint64_t done = 0;  // of total, while it runs
    std::uint64_t total = 0;
    ScavengeReport report;  // once it has ended
};

// A request to a worker; its body frame comes along.
struct Call {
    std::uint64_t worker = 0;
    std::uint64_t number = 0;
    std::uint32_t left_ms = 0;
};
// A body frame holds it.
struct Reply {
    std::uint64_t id = 0;
};

using FromClient = std::variant<Append, Hello, Read, Subscribe, Credit, Unsubscribe, GetStream,
                                ListStreams, ChangeStream, GetSnapshot, PutSnapshot, GetPosition,
                                PublishEphemeral, Bye, Heartbeat, GetLog, FetchLog, FetchProducers,
                                Scavenge, Serve, Unserve, Request, Respond>;
using FromNode =
    std::variant<Receipts, Deliver, Rejected, Welcome, Page, Subscribed, Checkpoint, CaughtUp,
                 FellBehind, Ended, StreamAnswer, StreamListAnswer, SnapshotAnswer, PositionAnswer,
                 Done, Busy, Goodbye, Heartbeat, LogAnswer, LogBatches, LogProducers,
                 ScavengeAnswer, Ephemeral, Dropped, Call, Reply>;

}  // namespace skald::wire::msg
