// Positions against a volume's partitions: where a reader begins, and whether a position is of this
// log at all.
#pragma once

#include <memory>
#include <vector>

#include "store/partition_log.h"
#include "wire/request.h"

namespace skald::store {

// A reader's place in one partition. Forward: the next offset to look at; backward: one above it.
struct Place {
    std::size_t partition = 0;
    Offset at;
    std::uint32_t digest = 0;  // see PartitionPosition
    Version version_min;       // of a single stream, forward
};

struct StartRequest {
    const Selection& selection;
    const Start& start;
    bool exclusive = false;
    bool backward = false;
};

// Where a stream's records are, of so many.
std::size_t partition_of(std::string_view stream, std::size_t partitions);

// What of a volume positions are made of.
struct Logs {
    const Uuid& cluster;
    const std::vector<std::unique_ptr<PartitionLog>>& partitions;
    std::size_t partition_of(std::string_view stream) const {
        return store::partition_of(stream, partitions.size());
    }
    // The one of all streams of a request; cross_partition when it spans several.
    Result<Partition> partition_of(const wire::RequestView& request) const;
};

// The places of all partitions that the selection touches. Errors: invalid_argument for a start
// that does not fit the selection, invalid_position, wrong_lineage, log_truncated.
Result<std::vector<Place>> resolve_start(const Logs& logs, const StartRequest& request,
                                         const std::vector<Visible>& visible);

PartitionPosition position_of(const PartitionLog& log, Offset next, std::uint32_t digest);
std::uint32_t digest_of(const wire::ChainHash& chain);

}  // namespace skald::store
