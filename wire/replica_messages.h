// What replicas of a partition tell each other, as our own structs (docs/replication.md). Each is
// the payload of one request or reply to a service; the batches that answer a fetch come along as
// frames of their own.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "skald/ids.h"
#include "skald/result.h"
#include "wire/batch.h"

namespace skald::wire {

inline constexpr std::string_view kReplicaService = "replica";

// A node as one of its processes: each start raises the incarnation. A node that lost its disk, or
// got one that is older than it was, comes back under another uuid.
struct Member {
    Uuid node;
    std::uint64_t incarnation = 0;
    auto operator<=>(const Member&) const = default;
};

struct EpochEnd {
    Epoch epoch;
    Offset end;  // one past its last record
    bool operator==(const EpochEnd&) const = default;
};

// "My log is durable up to here; what comes next?" One that does not get an answer is sent again.
struct Fetch {
    Offset end;
    Epoch last_epoch;          // of the record below `end`; 0: there is none
    ChainHash chain;           // of all below `end`
    std::uint64_t round = 0;   // as it was told last: it follows that this fetch is younger
    std::uint64_t number = 0;  // of no other of this node: an answer says what it answers
    bool operator==(const Fetch&) const = default;
};

// A batch as the core sees it; the shell has its bytes and checked them.
struct BatchHead {
    Offset base;
    Offset end;
    Epoch epoch;
    ChainHash chain_before;
    ChainHash chain;
    bool operator==(const BatchHead&) const = default;
};

// To a fetch: the batches from its end on, which may be none.
struct FetchAnswer {
    std::uint64_t number = 0;  // of the fetch
    Offset from;               // its end
    Offset high_watermark;
    std::uint64_t round = 0;
    // Instead of batches: the logs part. The last epoch of the primary's log that is not above that
    // of the fetch, and where it ends there.
    std::optional<EpochEnd> diverged;
    bool below_start = false;        // instead: what it asks for was removed
    std::vector<BatchHead> batches;  // of the frames that came along
    bool operator==(const FetchAnswer&) const = default;
};

// "Take no records of an epoch below this one any more, and say how long your log is."
struct Fence {
    bool operator==(const Fence&) const = default;
};
struct FenceAnswer {
    Epoch last_epoch;
    Offset end;
    bool operator==(const FenceAnswer&) const = default;
};

// "Your epoch is over": mine is in the message.
struct Fenced {
    bool operator==(const Fenced&) const = default;
};

struct ReplicaMessage {
    Partition partition;
    Uuid log;
    Epoch epoch;
    Member from;
    std::variant<Fetch, FetchAnswer, Fence, FenceAnswer, Fenced> body;
    bool operator==(const ReplicaMessage&) const = default;
};

// Without the heads of batches: these are read from their frames.
std::string encode(const ReplicaMessage& message);
// The bytes must be aligned to 8. malformed.
Result<ReplicaMessage> decode_replica_message(Bytes bytes);
// Of whole batches, checked; malformed, also when a frame is none.
Result<std::vector<BatchHead>> batch_heads(const std::vector<Bytes>& frames);

}  // namespace skald::wire
