// One run of a simulated cluster: all that happens in it follows from its seed.
#pragma once

#include <cstdint>
#include <string>

namespace skald::sim {

struct RunOptions {
    std::uint64_t seed = 1;
    std::size_t nodes = 3;     // those of the partition
    std::uint32_t copies = 0;  // as PartitionConfig has them
    std::uint32_t min_in_sync = 2;
    bool hasty = false;  // leases, patience and troubles are ten times as short
};

// By the seed: how many nodes, and in which mode.
RunOptions options_of(std::uint64_t seed);

struct RunReport {
    std::string violation;  // empty: none
    std::uint64_t steps = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t reads = 0;
    std::uint64_t epochs = 0;
    double recovery_s = 0;  // simulated, from when all was mended to an acknowledgement
};

RunReport run(const RunOptions& options);

}  // namespace skald::sim
