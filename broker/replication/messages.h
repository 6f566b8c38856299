// What replicas of a partition tell each other. Rule R1: each message says of which log, in which
// epoch, and who sent it.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "broker/replication/epoch_ends.h"
#include "broker/replication/partition_config.h"
#include "wire/batch.h"

namespace skald::broker::replication {

// "My log is durable up to here; what comes next?" One that does not get an answer is sent again.
struct Fetch {
    Offset end;
    Epoch last_epoch;          // of the record below `end`; 0: there is none
    wire::ChainHash chain;     // of all below `end`
    std::uint64_t round = 0;   // as it was told last: it follows that this fetch is younger
    std::uint64_t number = 0;  // of no other of this node: an answer says what it answers
    bool operator==(const Fetch&) const = default;
};

// A batch as the core sees it; the shell has its bytes and checked them.
struct BatchHead {
    Offset base;
    Offset end;
    Epoch epoch;
    wire::ChainHash chain_before;
    wire::ChainHash chain;
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
    bool below_start = false;  // instead: what it asks for was removed
    std::vector<BatchHead> batches;
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

// "Your epoch is over": mine is in the envelope.
struct Fenced {
    bool operator==(const Fenced&) const = default;
};

using Body = std::variant<Fetch, FetchAnswer, Fence, FenceAnswer, Fenced>;

struct Message {
    Uuid log;
    Epoch epoch;
    Member from;
    Body body;
    bool operator==(const Message&) const = default;
};

}  // namespace skald::broker::replication
