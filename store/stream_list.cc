#include "store/stream_list.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/argument_checks.h"
#include "base/glob.h"
#include "base/limits.h"
#include "store/lifecycle_mask.h"

namespace skald::store {
namespace {

constexpr std::size_t kPostingsAtOnce = 64;

// False below the log's start, where batches were dropped.
bool holds_event(const wire::BatchView& batch, Offset offset) {
    if (offset < batch.base()) {
        return false;
    }
    const auto record = batch.record(static_cast<std::uint32_t>(offset - batch.base()));
    return record && !record->prefix.hole();
}

// The first event that its age lets be seen; ages fall along a stream, so a binary search finds it.
Result<Version> first_by_age(const PartitionLog& log, const IndexSnapshot& index,
                             const lmdb::ReadTxn& txn, const Visible& visible,
                             std::string_view stream, const StreamFacts& facts) {
    Version low = facts.control.first_visible(facts.next);
    Version high = facts.next;
    while (low < high) {
        const Version middle = low + (high - low) / 2;
        auto found = index.versions(stream, middle, false, 1);
        if (!found) {
            return found.error();
        }
        if (found->empty()) {
            return high;
        }
        auto batch = log.reader().at(txn, found->front().offset);
        if (!batch) {
            return batch.error();
        }
        const bool old =
            *batch && facts.control.too_old((*batch)->view.recorded_at(), visible.clock);
        (old ? low : high) = old ? middle + 1 : middle;
    }
    return low;
}

// The first version from `low` on whose event is in the log: erased and scavenged ones are holes.
// Behind limits::kScanRecordsMax of them, the next version.
Result<std::optional<Version>> first_left(const PartitionLog& log, const IndexSnapshot& index,
                                          const lmdb::ReadTxn& txn, std::string_view stream,
                                          Version low) {
    for (std::size_t holes = 0; holes < limits::kScanRecordsMax; holes += kPostingsAtOnce) {
        auto postings = index.versions(stream, low, false, kPostingsAtOnce);
        if (!postings) {
            return postings.error();
        }
        if (postings->empty()) {
            return std::optional<Version>();
        }
        for (const Posting& posting : *postings) {
            auto batch = log.reader().at(txn, posting.offset);
            if (!batch) {
                return batch.error();
            }
            if (*batch && holds_event((*batch)->view, posting.offset)) {
                return std::optional(posting.version);
            }
        }
        low = postings->back().version + 1;
    }
    return std::optional(low);
}

Result<StreamInfo> describe(const PartitionLog& log, const IndexSnapshot& index,
                            const lmdb::ReadTxn& txn, const Visible& visible,
                            std::string_view stream) {
    auto facts = facts_of(log, index, stream);
    if (!facts) {
        return facts.error();
    }
    StreamInfo info;
    info.name = stream;
    info.partition = log.partition();
    info.state = facts->state();
    info.limits = facts->control.limits;
    info.truncate_before = facts->control.truncate_before;
    if (facts->next.value > 0) {
        info.last = facts->next - 1;
    }
    Version first = facts->control.first_visible(facts->next);
    if (facts->control.limits.max_age) {
        auto aged = first_by_age(log, index, txn, visible, stream, *facts);
        if (!aged) {
            return aged.error();
        }
        first = *aged;
    }
    if (info.state != StreamState::active || first >= facts->next) {
        return info;
    }
    info.first = first;
    if (facts->lifecycle) {
        auto left = first_left(log, index, txn, stream, first);
        if (!left) {
            return left.error();
        }
        info.first = *left;
    }
    return info;
}

Result<void> check_change(const Lifecycle& request, const StreamFacts& facts) {
    if (const auto* erase = std::get_if<EraseEvent>(&request.change);
        erase != nullptr && erase->version >= facts.next &&
        facts.state() != StreamState::tombstoned) {
        return Error(Errc::not_found, fmt::format("stream {} has no event {}", request.stream,
                                                  erase->version.value));
    }
    if (const auto* set = std::get_if<SetLimits>(&request.change)) {
        return check_limits(set->limits);
    }
    return {};
}

Result<StreamFacts> facts_now(const PartitionLog& log, const lmdb::ReadTxn& txn,
                              const Visible& visible, const std::string& stream) {
    auto index = log.index().snapshot(txn, visible.high_watermark);
    if (!index) {
        return index.error();
    }
    return facts_of(log, **index, stream);
}

std::string encode_state(const std::string& stream, Expected expected, const ControlChange& change,
                         const StreamFacts& facts, wire::IdSource& ids) {
    NewEvent record;
    record.type = change.type;
    record.content_type = kControlContentType;
    record.data = encode_control(change.control);
    wire::EncodedRequest encoded = wire::encode_control(stream, expected, record, ids);
    wire::set_query_from(encoded.bytes, facts.lifecycle ? facts.lifecycle->value + 1 : 0);
    return std::move(encoded.bytes);
}

}  // namespace

Result<StreamInfo> describe_stream(const PartitionLog& log, const lmdb::ReadTxn& txn,
                                   const Visible& visible, std::string_view stream) {
    auto index = log.index().snapshot(txn, visible.high_watermark);
    if (!index) {
        return index.error();
    }
    return describe(log, **index, txn, visible, stream);
}

Result<StreamList> list_streams(const std::vector<std::unique_ptr<PartitionLog>>& logs,
                                const lmdb::ReadTxn& txn, const std::vector<Visible>& visible,
                                const ListRequest& request) {
    const bool system = request.glob.starts_with('$');
    const auto wanted = [&](std::string_view name) {
        return name.starts_with('$') == system && glob_match(request.glob, name) &&
               (request.allowed.empty() ||
                std::any_of(request.allowed.begin(), request.allowed.end(),
                            [&](const std::string& glob) { return glob_match(glob, name); }));
    };
    std::vector<StreamInfo> all;
    for (const auto& log : logs) {
        const Visible& own = visible[log->partition().value];
        auto index = log->index().snapshot(txn, own.high_watermark);
        if (!index) {
            return index.error();
        }
        auto names = (*index)->keys(TermKind::stream, request.after, request.limit, wanted);
        if (!names) {
            return names.error();
        }
        for (const std::string& name : *names) {
            auto info = describe(*log, **index, txn, own, name);
            if (!info) {
                return info.error();
            }
            all.push_back(std::move(*info));
        }
    }
    std::sort(all.begin(), all.end(),
              [](const StreamInfo& a, const StreamInfo& b) { return a.name < b.name; });
    StreamList list;
    if (all.size() >= request.limit) {
        all.resize(request.limit);
        list.next = all.back().name;
    }
    list.streams = std::move(all);
    return list;
}

Result<std::string> encode_change(const PartitionLog& log, const lmdb::ReadTxn& txn,
                                  const Visible& visible, const Lifecycle& request,
                                  wire::IdSource& ids) {
    auto facts = facts_now(log, txn, visible, request.stream);
    if (!facts) {
        return facts.error();
    }
    if (auto ok = check_change(request, *facts); !ok) {
        return ok.error();
    }
    return encode_state(request.stream, request.expected,
                        apply_change(facts->control, request.change, facts->next), *facts, ids);
}

Result<std::string> encode_removal(const PartitionLog& log, const lmdb::ReadTxn& txn,
                                   const Visible& visible, const std::string& stream,
                                   const Removal& removal, wire::IdSource& ids) {
    auto facts = facts_now(log, txn, visible, stream);
    if (!facts) {
        return facts.error();
    }
    return encode_state(stream, Expected::any(),
                        apply_removal(facts->control, removal, facts->next), *facts, ids);
}

}  // namespace skald::store
