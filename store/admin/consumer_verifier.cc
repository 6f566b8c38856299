#include "store/admin/consumer_verifier.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/control_records.h"
#include "store/positions.h"

namespace skald::store {
namespace {

// The highest offset of each partition that the record speaks of.
std::map<Partition, Offset> reach_of(const wire::ConsumerRecord& record) {
    std::map<Partition, Offset> reach;
    const auto speak = [&reach](Partition partition, Offset offset) {
        Offset& highest = reach[partition];
        highest = std::max(highest, offset);
    };
    for (const wire::TakenRange& range : record.taken) {
        speak(range.partition, Offset{range.next.value - 1});
    }
    for (const wire::WaitingPlace& waiting : record.waiting) {
        speak(waiting.place.partition, waiting.place.offset);
    }
    for (const wire::ParkedPlace& parked : record.parked) {
        speak(parked.place.partition, parked.place.offset);
    }
    for (const auto& place : record.settled) {
        speak(place.partition, place.offset);
    }
    return reach;
}

}  // namespace

void ConsumerVerifier::problem(Partition partition, std::optional<Offset> offset, std::string place,
                               std::string message) {
    report_({partition, offset, std::move(place), std::move(message)});
}

void ConsumerVerifier::note(const EventView& record, bool hole, Offset start) {
    const bool catalogue = record.stream == wire::kCatalogueStream;
    if (!catalogue && !wire::born_of(record.stream)) {
        if (hole) {
            problem(record.partition, record.offset, "hole",
                    "a control record is gone, and none of its stream may be");
        }
        return;
    }
    Met& met = met_[std::string(record.stream)];
    const Met before = met;
    met.partition = record.partition;
    met.newest = record.offset;
    if (catalogue) {
        catalogue_.reset();
    }
    if (hole) {
        met.hole = record.offset;
    } else if (catalogue) {
        note_catalogue(record);
    } else {
        note_record(record, before, start);
    }
}

void ConsumerVerifier::note_catalogue(const EventView& record) {
    // In a batch the data need not stand at a multiple of 8, which decoding asks for.
    auto catalogue = wire::read_catalogue(record.offset, std::string(record.data));
    if (catalogue) {
        catalogue_ = std::move(*catalogue);
    } else {
        problem(record.partition, record.offset, "record", catalogue.error().message);
    }
}

void ConsumerVerifier::note_record(const EventView& record, const Met& before, Offset start) {
    const std::string data(record.data);
    const auto consumer = wire::decode_consumer_record(as_bytes(data));
    if (!consumer) {
        problem(record.partition, record.offset, "record",
                fmt::format("it is no record of a consumer: {}", consumer.error().message));
        return;
    }
    // Below the log's start stands what was dropped.
    const bool linked = before.newest ? consumer->previous == before.newest->value + 1
                                      : consumer->previous <= start.value;
    if (!linked) {
        problem(record.partition, record.offset, "consumer",
                fmt::format("it says that it rests on the record before offset {}, which is not "
                            "the one before it of {}",
                            consumer->previous, record.stream));
    }
    note_reach(record, *consumer);
}

void ConsumerVerifier::note_reach(const EventView& record, const wire::ConsumerRecord& consumer) {
    for (const auto& [partition, highest] : reach_of(consumer)) {
        if (partition.value >= reaches_.size()) {
            problem(record.partition, record.offset, "consumer",
                    fmt::format("it speaks of partition {}", partition.value));
        } else if (partition != record.partition) {
            Reach& reach = reaches_[partition.value];
            if (!reach.highest || *reach.highest < highest) {
                reach = {highest, record.partition, record.offset};
            }
        } else if (highest >= record.offset) {
            problem(record.partition, record.offset, "consumer",
                    fmt::format("it speaks of offset {}, which came later", highest.value));
        }
    }
}

void ConsumerVerifier::settle(const std::vector<Offset>& ends) {
    for (std::size_t i = 0; i < reaches_.size(); ++i) {
        const Reach& reach = reaches_[i];
        if (reach.highest && *reach.highest >= ends[i]) {
            problem(reach.partition, reach.offset, "consumer",
                    fmt::format("it speaks of offset {} of partition {}, which ends at {}",
                                reach.highest->value, i, ends[i].value));
        }
    }
    settle_holes();
}

// Of a consumer that is listed, the walk over its chain tells which of its records may be gone.
void ConsumerVerifier::settle_holes() {
    for (const auto& [stream, met] : met_) {
        if (!met.hole) {
            continue;
        }
        if (stream == wire::kCatalogueStream) {
            if (met.hole == met.newest) {
                problem(met.partition, met.hole, "hole", "the newest catalogue is gone");
            }
        } else if (!catalogue_ || *wire::born_of(stream) > catalogue_->births) {
            problem(met.partition, met.hole, "hole",
                    fmt::format("no catalogue explains why a record of {} is gone", stream));
        }
    }
}

void ConsumerVerifier::verify_chains(const std::vector<std::unique_ptr<PartitionLog>>& logs,
                                     const std::vector<Offset>& ends) {
    if (!catalogue_) {
        return;
    }
    const std::size_t home = partition_of(wire::kCatalogueStream, logs.size());
    verify_index(*logs[home], ends[home], std::string(wire::kCatalogueStream));
    for (const wire::CatalogueEntry& entry : catalogue_->consumers) {
        const std::string stream = wire::stream_of(entry);
        const std::size_t partition = partition_of(stream, logs.size());
        verify_index(*logs[partition], ends[partition], stream);
        verify_chain(*logs[partition], stream);
    }
}

void ConsumerVerifier::verify_index(const PartitionLog& log, Offset end,
                                    const std::string& stream) {
    const auto found = find_last_control(log, end, stream);
    const auto met = met_.find(stream);
    const std::optional<Offset> newest = met == met_.end() ? std::nullopt : met->second.newest;
    if (!found) {
        problem(log.partition(), newest, "index", found.error().message);
    } else if (*found != newest) {
        problem(log.partition(), newest, "index",
                fmt::format("it does not lead to the newest control record of {}", stream));
    }
}

void ConsumerVerifier::verify_chain(const PartitionLog& log, const std::string& stream) {
    const auto met = met_.find(stream);
    if (met == met_.end()) {
        return;
    }
    const auto first = wire::walk_chain(
        stream, *met->second.newest, [&](Offset at) { return control_data(log, stream, at); },
        [](Offset, const wire::ConsumerRecord&) {});
    if (!first) {
        const auto& at = first.error().offset;
        problem(log.partition(), at ? std::optional(Offset{*at}) : met->second.newest, "consumer",
                fmt::format("what {} rests on cannot be read: {}", stream, first.error().message));
    }
}

}  // namespace skald::store
