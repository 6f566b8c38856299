#include "cqrs/position_order.h"

#include <algorithm>

namespace skald::cqrs {
namespace {

const PartitionPosition* find(const Position& position, Partition partition) {
    const auto found =
        std::find_if(position.partitions.begin(), position.partitions.end(),
                     [&](const PartitionPosition& each) { return each.partition == partition; });
    return found == position.partitions.end() ? nullptr : &*found;
}

Offset next_of(const Position& position, Partition partition) {
    const PartitionPosition* found = find(position, partition);
    return found == nullptr ? Offset{} : found->next;
}

}  // namespace

bool covers(const Position& at, const Position& wanted) {
    return std::all_of(
        wanted.partitions.begin(), wanted.partitions.end(),
        [&](const PartitionPosition& each) { return next_of(at, each.partition) >= each.next; });
}

bool same_lineage(const Position& at, const Position& wanted) {
    if (!at.partitions.empty() && !wanted.partitions.empty() && at.cluster != wanted.cluster) {
        return false;
    }
    return std::all_of(wanted.partitions.begin(), wanted.partitions.end(),
                       [&](const PartitionPosition& each) {
                           const PartitionPosition* found = find(at, each.partition);
                           return found == nullptr || found->lineage == each.lineage;
                       });
}

std::uint64_t left_between(const Position& at, const Position& wanted) {
    std::uint64_t left = 0;
    for (const PartitionPosition& each : wanted.partitions) {
        const Offset reached = next_of(at, each.partition);
        left += each.next > reached ? each.next - reached : 0;
    }
    return left;
}

bool is_past(const Position& at, Partition partition, Offset offset) {
    return offset < next_of(at, partition);
}

Position behind(const Position& before, const EventView& event, const Position& after) {
    Position position = before;
    position.cluster = after.cluster;
    const PartitionPosition* delivered = find(after, event.partition);
    PartitionPosition place = delivered == nullptr ? PartitionPosition{} : *delivered;
    place.partition = event.partition;
    place.digest = place.next == event.offset + 1 ? place.digest : 0;
    place.next = event.offset + 1;
    const auto at = std::lower_bound(
        position.partitions.begin(), position.partitions.end(), event.partition,
        [](const PartitionPosition& each, Partition wanted) { return each.partition < wanted; });
    if (at != position.partitions.end() && at->partition == event.partition) {
        *at = place;
    } else {
        position.partitions.insert(at, place);
    }
    return position;
}

Result<void> check_position(EventStore& store, const Position& position) {
    Read read;
    read.start = position;
    read.limit = 1;
    auto page = store.read(read);
    return page ? Result<void>() : page.error();
}

bool is_untrusted(const Error& error) {
    return error.code == Errc::wrong_lineage || error.code == Errc::log_truncated ||
           error.code == Errc::invalid_position;
}

}  // namespace skald::cqrs
