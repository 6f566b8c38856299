// Where a reader stands in a log of one or many partitions: an opaque token that survives restarts,
// and says so when it meets a log it was not made on.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "skald/ids.h"
#include "skald/result.h"

namespace skald {

// One partition's share: everything below `next` is behind this position.
struct PartitionPosition {
    Partition partition;
    Uuid lineage;
    Epoch epoch;
    Offset next;
    std::uint32_t digest = 0;  // first 4 bytes of the chain hash below `next`'s batch; 0 = unknown
    bool operator==(const PartitionPosition&) const = default;
};

enum class Order : std::uint8_t { before, equal, after, concurrent };

// Version 1: cluster id and a list of partitions, ascending. A partition that is not listed stands
// at its beginning. The empty list is the beginning of everything.
struct Position {
    Uuid cluster;
    std::vector<PartitionPosition> partitions;
    bool operator==(const Position&) const = default;
};

// Concurrent when each is ahead of the other somewhere, or when lineages differ.
Order compare(const Position& a, const Position& b);

// base64url without padding. Callers keep it as it is and never take it apart.
std::string to_token(const Position& position);
// invalid_position when it is not a token of a version we know.
Result<Position> parse_position(std::string_view token);

}  // namespace skald
