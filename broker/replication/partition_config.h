// What the coordination store holds of a partition that has replicas, `/cfg/<partition>`: who may
// append to it, and whose disks an acknowledgement needs. Every change is one compare-and-swap.
// Rules R3 to R5 and R9 of docs/replication.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "skald/coord.h"
#include "skald/ids.h"
#include "skald/result.h"

namespace skald::broker::replication {

// A node as one of its processes: each start raises the incarnation. A node that lost its disk, or
// got one that is older than it was, comes back under another uuid.
struct Member {
    Uuid node;
    std::uint64_t incarnation = 0;
    auto operator<=>(const Member&) const = default;
};

// Which process wrote a configuration, as its how many-th: one whose answer was lost is known by
// it.
struct Claim {
    Member by;
    std::uint64_t number = 0;
    bool operator==(const Claim&) const = default;
};

struct PartitionConfig {
    Uuid log;  // the lineage that is written
    Epoch epoch{0};
    // False: its primary takes over, and nothing was ever appended in this epoch.
    bool open = false;
    Uuid primary;
    Claim claim;
    std::vector<Member> in_sync;  // they hold all that is committed; without repetition
    std::vector<Uuid> replicas;   // who copies the log, those in sync among them
    std::uint32_t copies = 0;     // durable, of those in sync, make a record committed; 0: all
    std::uint32_t min_in_sync = 1;
    bool operator==(const PartitionConfig&) const = default;

    // Null when the node is not in sync.
    const Member* find(const Uuid& node) const;
    bool is_replica(const Uuid& node) const;
    // Whether this is the disk that is in sync: of the node named there, and not older.
    bool proves(const Member& member) const;
    // How many of those in sync make a record committed, and how many of them at least one is
    // among whatever these were.
    std::size_t commit_quorum() const;
    std::size_t election_quorum() const;
};

struct StoredConfig {
    PartitionConfig config;
    coord::Revision revision;  // of the key's last change; 0: there is none
    bool operator==(const StoredConfig&) const = default;
};

// As JSON. Errors: corrupt.
std::string encode(const PartitionConfig& config);
Result<PartitionConfig> decode_config(std::string_view text);

}  // namespace skald::broker::replication
