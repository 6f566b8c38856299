#include "store/memory/memory_cursor.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/glob.h"
#include "base/limits.h"
#include "wire/batch.h"
#include "wire/query.h"

namespace skald::store {
namespace {

Error invalid(std::string why) {
    return {Errc::invalid_argument, std::move(why)};
}

Result<void> check_selection(const Selection& selection, bool backward) {
    using Kind = Selection::Kind;
    if (backward && selection.kind != Kind::all && selection.kind != Kind::stream) {
        return invalid("only a stream or everything can be read backward");
    }
    return wire::check_selection(selection);
}

}  // namespace

std::size_t MemoryLogs::partition_of(std::string_view stream) const {
    return wire::name_hash(partition_key_of(stream)) % partitions.size();
}

void MemoryLogs::merge(std::size_t partition) {
    const auto& records = partitions[partition].records();
    for (std::size_t i = places[partition].size(); i < records.size(); ++i) {
        places[partition].push_back(merged.size());
        merged.push_back(records[i]);
    }
}

Result<MemoryCursor> MemoryCursor::open(const MemoryLogs& logs, const Selection& selection,
                                        const Start& start, bool backward) {
    if (auto ok = check_selection(selection, backward); !ok) {
        return ok.error();
    }
    MemoryCursor cursor;
    cursor.selection_ = selection;
    cursor.backward_ = backward;
    if (selection.kind == Selection::Kind::stream) {
        cursor.only_ = logs.partition_of(selection.name);
    }
    cursor.at_.resize(logs.partitions.size());
    if (auto ok = cursor.begin(logs, start); !ok) {
        return ok.error();
    }
    return cursor;
}

Result<void> MemoryCursor::begin(const MemoryLogs& logs, const Start& start) {
    if (std::holds_alternative<End>(start)) {
        for (std::size_t p = 0; p < at_.size(); ++p) {
            at_[p] = logs.partitions[p].end();
        }
    } else if (const auto* version = std::get_if<Version>(&start)) {
        if (!only_) {
            return invalid("a version is a place in a stream; read one stream");
        }
        begin_at(logs, *version);
    } else if (const auto* offset = std::get_if<Offset>(&start)) {
        if (!only_ && at_.size() > 1) {
            return invalid("an offset is a place in one partition; begin at a position instead");
        }
        const std::size_t p = only_.value_or(0);
        at_[p] = std::min(backward_ ? *offset + 1 : *offset, logs.partitions[p].end());
    } else if (const auto* position = std::get_if<Position>(&start)) {
        return begin_at(logs, *position);
    } else if (const auto* time = std::get_if<AtTime>(&start)) {
        begin_at(logs, time->time);
    }
    return {};
}

Result<void> MemoryCursor::begin_at(const MemoryLogs& logs, const Position& position) {
    if (!position.partitions.empty() && position.cluster != logs.cluster) {
        return Error(Errc::wrong_lineage, "the position is of another log");
    }
    for (const PartitionPosition& each : position.partitions) {
        const std::size_t p = each.partition.value;
        if (p >= at_.size()) {
            return Error(Errc::invalid_position,
                         fmt::format("the position names partition {} of {}", p, at_.size()));
        }
        if (each.lineage != logs.partitions[p].lineage()) {
            return Error(Errc::wrong_lineage, "the position is of another log");
        }
        if (each.next > logs.partitions[p].end()) {
            Error error(Errc::log_truncated, "the position is beyond the log's end");
            error.offset = logs.partitions[p].end().value;
            return error;
        }
        at_[p] = each.next;
    }
    return {};
}

void MemoryCursor::begin_at(const MemoryLogs& logs, Version version) {
    const MemoryLog& log = logs.partitions[*only_];
    const auto& events = log.stream(selection_.name).events;
    const Version bound = backward_ ? version + 1 : version;
    at_[*only_] = bound.value < events.size() ? events[bound.value] : log.end();
    version_min_ = backward_ ? Version{} : version;
}

void MemoryCursor::begin_at(const MemoryLogs& logs, Time time) {
    for (std::size_t p = 0; p < at_.size(); ++p) {
        const auto& records = logs.partitions[p].records();
        const auto first = std::partition_point(
            records.begin(), records.end(),
            [&](const MemoryRecordPtr& record) { return record->recorded_at < time; });
        at_[p] = Offset{static_cast<std::uint64_t>(first - records.begin())};
    }
}

bool MemoryCursor::due(const MemoryRecord& record) const {
    const Offset at = at_[record.partition.value];
    return backward_ ? record.offset < at : record.offset >= at;
}

template <typename Visit>
bool MemoryCursor::walk(const MemoryLogs& logs, const Visit& visit) const {
    const std::vector<MemoryRecordPtr>& all =
        only_ ? logs.partitions[*only_].records() : logs.merged;
    // Nothing that is due lies before `low`, nor at or above `high`.
    std::size_t low = all.size();
    std::size_t high = 0;
    for (std::size_t p = 0; p < at_.size(); ++p) {
        const auto place = [&](Offset offset) {
            return only_ ? offset.value : logs.places[p][offset.value];
        };
        if (only_.value_or(p) != p) {
            continue;
        }
        low = at_[p] < logs.partitions[p].end() ? std::min(low, place(at_[p])) : low;
        high = at_[p] > Offset{} ? std::max(high, place(at_[p] - 1) + 1) : high;
    }
    for (std::size_t i = low; !backward_ && i < all.size(); ++i) {
        if (due(*all[i]) && !visit(all[i])) {
            return false;
        }
    }
    for (std::size_t i = high; backward_ && i > 0; --i) {
        if (due(*all[i - 1]) && !visit(all[i - 1])) {
            return false;
        }
    }
    return true;
}

MemoryCursor::Step MemoryCursor::next(const MemoryLogs& logs, std::size_t events,
                                      std::size_t bytes) {
    Step step;
    std::size_t taken = 0;
    std::size_t seen = 0;
    std::vector<MemoryRecordPtr> passed;  // the cursor moves only once the walk is over
    step.end = walk(logs, [&](const MemoryRecordPtr& record) {
        if (seen++ == limits::kScanRecordsMax) {
            return false;
        }
        if (wanted(logs, *record)) {
            const std::size_t size = record->view().data.size();
            if (step.records.size() == events || (!step.records.empty() && taken + size > bytes)) {
                return false;
            }
            taken += size;
            step.records.push_back(record);
        }
        passed.push_back(record);
        return true;
    });
    for (const MemoryRecordPtr& record : passed) {
        move_behind(*record);
    }
    return step;
}

bool MemoryCursor::selects(const EventView& event) const {
    return wire::selects(selection_, event);
}

bool MemoryCursor::wanted(const MemoryLogs& logs, const MemoryRecord& record) const {
    const EventView event = record.view();
    return selects(event) &&
           (event.control || (event.version >= version_min_ &&
                              logs.partitions[record.partition.value].visible(record)));
}

void MemoryCursor::move_behind(const MemoryRecord& record) {
    at_[record.partition.value] = backward_ ? record.offset : record.offset + 1;
}

Position MemoryCursor::position(const MemoryLogs& logs) const {
    Position position{logs.cluster, {}};
    for (std::size_t p = 0; p < at_.size(); ++p) {
        if (only_.value_or(p) == p) {
            position.partitions.push_back({Partition{static_cast<std::uint16_t>(p)},
                                           logs.partitions[p].lineage(), Epoch{1}, at_[p], 0});
        }
    }
    return position;
}

}  // namespace skald::store
