#include "store/positions.h"

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

#include "base/glob.h"

namespace skald::store {
namespace {

class Resolver {
  public:
    Resolver(const Logs& logs, const StartRequest& request, const std::vector<Visible>& visible)
        : logs_(logs), request_(request), visible_(visible) {}

    Result<std::vector<Place>> places() {
        std::vector<Place> places;
        if (request_.selection.kind == Selection::Kind::stream) {
            places.push_back({logs_.partition_of(request_.selection.name), {}, 0, {}});
        } else {
            for (std::size_t i = 0; i < logs_.partitions.size(); ++i) {
                places.push_back({i, {}, 0, {}});
            }
        }
        if (const auto* position = std::get_if<Position>(&request_.start)) {
            if (auto ok = check(*position); !ok) {
                return ok.error();
            }
        }
        for (Place& place : places) {
            auto at = std::visit([&](const auto& start) { return begin_at(place, start); },
                                 request_.start);
            if (!at) {
                return at.error();
            }
        }
        return places;
    }

  private:
    const PartitionLog& log(const Place& place) const { return *logs_.partitions[place.partition]; }
    Offset high_watermark(const Place& place) const {
        return visible_[place.partition].high_watermark;
    }

    Result<void> begin_at(Place& place, const Beginning&) const {
        place.at = request_.backward ? Offset{} : log(place).start();
        return {};
    }
    Result<void> begin_at(Place& place, const End&) const {
        place.at = high_watermark(place);
        return {};
    }
    Result<void> begin_at(Place& place, const AtTime& start) const {
        auto txn = log(place).reader().env().read();
        if (!txn) {
            return txn.error();
        }
        auto at = log(place).reader().at_time(*txn, start.time, log(place).start(),
                                              high_watermark(place));
        if (!at) {
            return at.error();
        }
        place.at = *at;
        return {};
    }
    Result<void> begin_at(Place& place, const Offset& start) const {
        const bool one =
            logs_.partitions.size() == 1 || request_.selection.kind == Selection::Kind::stream;
        if (!one) {
            return Error(Errc::invalid_argument,
                         "an offset names a place in one partition; begin at a position instead");
        }
        // Inclusive: forward begins at it, backward just above it.
        const bool above = request_.backward != request_.exclusive;
        place.at = std::min(above ? start + 1 : start, high_watermark(place));
        return {};
    }
    Result<void> begin_at(Place& place, const Version& start) const;
    Result<void> begin_at(Place& place, const Position& start) const {
        place.at = log(place).start();
        for (const PartitionPosition& each : start.partitions) {
            if (each.partition.value == place.partition) {
                place.at = std::max(log(place).start(), each.next);
                place.digest = each.digest;
            }
        }
        return {};
    }
    Result<void> check(const Position& position) const;
    Result<void> check(const PartitionPosition& position) const;
    Result<void> check_digest(const PartitionPosition& position) const;

    const Logs& logs_;
    const StartRequest& request_;
    const std::vector<Visible>& visible_;
};

Result<void> Resolver::begin_at(Place& place, const Version& start) const {
    if (request_.selection.kind != Selection::Kind::stream) {
        return Error(Errc::invalid_argument, "a version is a place in a stream; read one stream");
    }
    const bool above = request_.backward != request_.exclusive;
    const Version bound = above ? start + 1 : start;
    auto txn = log(place).reader().env().read();
    if (!txn) {
        return txn.error();
    }
    auto index = log(place).index().snapshot(*txn, high_watermark(place));
    if (!index) {
        return index.error();
    }
    auto found = (*index)->versions(request_.selection.name, bound, false, 1);
    if (!found) {
        return found.error();
    }
    place.at = found->empty() ? high_watermark(place) : found->front().offset;
    // Backward, all that is at or above the bound lies behind `at` already.
    place.version_min = request_.backward ? Version{} : bound;
    return {};
}

Result<void> Resolver::check(const Position& position) const {
    if (position.partitions.empty()) {
        return {};
    }
    if (position.cluster != logs_.cluster) {
        return Error(Errc::wrong_lineage,
                     fmt::format("the position is of another log (cluster {}, here {})",
                                 to_string(position.cluster), to_string(logs_.cluster)));
    }
    for (const PartitionPosition& each : position.partitions) {
        if (each.partition.value >= logs_.partitions.size()) {
            return Error(Errc::invalid_position,
                         fmt::format("the position names partition {} of {}", each.partition.value,
                                     logs_.partitions.size()));
        }
        if (auto ok = check(each); !ok) {
            return ok;
        }
    }
    return {};
}

// A position on an older lineage holds up to the fork where the log left it.
Result<void> Resolver::check(const PartitionPosition& position) const {
    const std::size_t partition = position.partition.value;
    const PartitionLog& log = *logs_.partitions[partition];
    const auto& lineages = log.lineages();
    const auto known = std::find_if(lineages.begin(), lineages.end(), [&](const Lineage& lineage) {
        return lineage.id == position.lineage;
    });
    if (known == lineages.end()) {
        return Error(Errc::wrong_lineage,
                     fmt::format("partition {} has no lineage {}; the position is of another log",
                                 partition, to_string(position.lineage)));
    }
    const Offset end = std::next(known) == lineages.end() ? visible_[partition].high_watermark
                                                          : std::next(known)->begin;
    if (position.next > end) {
        Error error(Errc::log_truncated,
                    fmt::format("partition {} was cut at offset {}; the position is at {}",
                                partition, end.value, position.next.value));
        error.offset = end.value;
        return error;
    }
    return check_digest(position);
}

Result<void> Resolver::check_digest(const PartitionPosition& position) const {
    const std::size_t partition = position.partition.value;
    const PartitionLog& log = *logs_.partitions[partition];
    if (position.digest == 0 || position.next <= log.start()) {
        return {};
    }
    auto txn = log.reader().env().read();
    if (!txn) {
        return txn.error();
    }
    auto batch = log.reader().at_or_before(*txn, position.next);
    if (!batch) {
        return batch.error();
    }
    if (!*batch) {
        return {};
    }
    const wire::BatchHeader& header = (*batch)->view.header();
    const bool inside = position.next < (*batch)->view.end();
    if (digest_of(inside ? header.chain_before : header.chain) == position.digest) {
        return {};
    }
    return Error(
        Errc::wrong_lineage,
        fmt::format("partition {} holds other events below offset {} than when the position "
                    "was taken",
                    partition, position.next.value));
}

}  // namespace

std::size_t partition_of(std::string_view stream, std::size_t partitions) {
    if (partitions == 1) {
        return 0;
    }
    const std::string_view key = partition_key_of(stream);
    return XXH3_64bits(key.data(), key.size()) % partitions;
}

std::uint32_t digest_of(const wire::ChainHash& chain) {
    return load_le<std::uint32_t>(chain.data());
}

PartitionPosition position_of(const PartitionLog& log, Offset next, std::uint32_t digest) {
    return {log.partition(), log.lineage().id, log.epoch(), next, digest};
}

Result<Partition> Logs::partition_of(const wire::RequestView& request) const {
    if (partitions.size() == 1) {
        return Partition{};
    }
    std::optional<std::size_t> partition;
    const std::uint32_t streams = request.header().streams;
    for (std::uint32_t i = 0; i < streams + request.header().checks; ++i) {
        const auto section = i < streams ? request.stream(i) : request.check(i - streams);
        const std::size_t own = partition_of(request.name(section.name));
        if (partition && *partition != own) {
            return Error(
                Errc::cross_partition,
                fmt::format("stream {} is in partition {}, another one of the request in {}; "
                            "give them a common {{part}} in their names",
                            request.name(section.name), own, *partition));
        }
        partition = own;
    }
    if (request.has_query()) {
        return Error(Errc::cross_partition,
                     fmt::format("a query check spans all {} partitions", partitions.size()));
    }
    return Partition{static_cast<std::uint16_t>(partition.value_or(0))};
}

Result<std::vector<Place>> resolve_start(const Logs& logs, const StartRequest& request,
                                         const std::vector<Visible>& visible) {
    return Resolver(logs, request, visible).places();
}

}  // namespace skald::store
