// What of a request stands in the log already (rule L3).
#include <fmt/format.h>

#include "store/admission.h"
#include "wire/batch.h"

namespace skald::store {
namespace {

// The first version a section's events would have had when it was first written.
Version first_version_wanted(Expected expected) {
    return expected.kind() == Expected::Kind::exact ? expected.version() + 1 : Version{};
}

bool names_a_version(Expected expected) {
    return expected.kind() == Expected::Kind::exact || expected.kind() == Expected::Kind::no_stream;
}

}  // namespace

Result<std::optional<AppendOutcome>> Admission::find_repeat(const wire::RequestView& request,
                                                            bool conflict) const {
    bool by_version = request.header().streams > 0;
    for (std::uint32_t i = 0; i < request.header().streams; ++i) {
        by_version = by_version && names_a_version(request.stream(i).expectation());
    }
    const bool by_id = (request.header().flags & wire::kRequestCheckIds) != 0;
    if (request.control() || (!by_version && !by_id)) {
        return std::optional<AppendOutcome>();
    }
    if (by_version && !conflict) {
        return std::optional<AppendOutcome>();
    }
    auto repeat = by_version ? match_versions(request) : match_ids(request);
    if (!repeat) {
        return repeat.error();
    }
    const std::uint32_t records = request.header().records;
    if (repeat->matched == records) {
        return std::optional(outcome(repeat->last_offset, repeat->last_version, records, true));
    }
    if (repeat->matched == 0) {
        return std::optional<AppendOutcome>();
    }
    return Error(Errc::partly_repeated,
                 fmt::format("{} of the request's {} events are in the log already; nothing was "
                             "written",
                             repeat->matched, records));
}

Result<std::optional<Admission::Pending>> Admission::record_at(Offset offset) const {
    const Offset base = log_.next;
    if (offset >= base) {
        const std::uint64_t nth = offset - base;
        return nth < pending_.size() ? std::optional(pending_[nth]) : std::nullopt;
    }
    if (offset >= previous_base_ && offset - previous_base_ < previous_.size()) {
        return std::optional(previous_[offset - previous_base_]);
    }
    const auto known = [&] {
        return offset >= committed_base_ && offset - committed_base_ < committed_.size();
    };
    if (!known()) {
        if (auto ok = look_up(offset); !ok) {
            return ok.error();
        }
    }
    return known() ? std::optional(committed_[offset - committed_base_]) : std::nullopt;
}

Result<void> Admission::look_up(Offset offset) const {
    committed_.clear();
    auto txn = log_.reader().env().read();
    if (!txn) {
        return txn.error();
    }
    auto found = log_.reader().at(*txn, offset);
    if (!found) {
        return found.error();
    }
    if (!*found) {
        return {};
    }
    wire::EventCursor cursor((*found)->view);
    while (cursor.next()) {
        const EventView& event = cursor.event();
        committed_.push_back(
            {event.id, wire::name_hash(event.stream), event.version, event.control, cursor.hole()});
    }
    committed_base_ = (*found)->view.base();
    if (cursor.corrupt() && offset >= committed_base_ + committed_.size()) {
        return Error(Errc::corrupt,
                     fmt::format("partition {}: a record behind offset {} is damaged",
                                 log_.partition().value, committed_base_.value));
    }
    return {};
}

Result<Admission::Repeat> Admission::match_versions(const wire::RequestView& request) const {
    auto txn = log_.reader().env().read();
    if (!txn) {
        return txn.error();
    }
    auto index = log_.index().snapshot(*txn, log_.index().end());
    if (!index) {
        return index.error();
    }
    Repeat repeat;
    std::uint32_t record = 0;
    for (std::uint32_t i = 0; i < request.header().streams; ++i) {
        const auto section = request.stream(i);
        auto found =
            (*index)->versions(request.name(section.name),
                               first_version_wanted(section.expectation()), false, section.records);
        if (!found) {
            return found.error();
        }
        for (std::size_t n = 0; n < section.records; ++n, ++record) {
            if (n >= found->size()) {
                continue;
            }
            auto stored = record_at((*found)[n].offset);
            if (!stored) {
                return stored.error();
            }
            if (*stored && !(*stored)->hole && (*stored)->id == request.record_id(record)) {
                ++repeat.matched;
                repeat.last_offset = (*found)[n].offset;
                repeat.last_version = (*found)[n].version;
            }
        }
    }
    return repeat;
}

Result<Admission::Repeat> Admission::match_ids(const wire::RequestView& request) const {
    Repeat repeat;
    std::uint32_t record = 0;
    std::optional<Error> failed;
    for (std::uint32_t i = 0; i < request.header().streams; ++i) {
        const auto section = request.stream(i);
        const std::uint64_t stream_hash = wire::name_hash(request.name(section.name));
        for (std::uint32_t n = 0; n < section.records; ++n, ++record) {
            const Uuid id = request.record_id(record);
            const auto offset = log_.recent_ids().find(id, [&](Offset at) {
                auto stored = record_at(at);
                if (!stored) {
                    failed = stored.error();
                    return true;
                }
                if (!*stored || (*stored)->hole || (*stored)->id != id ||
                    (*stored)->stream_hash != stream_hash) {
                    return false;
                }
                repeat.last_version = (*stored)->version;
                return true;
            });
            if (failed) {
                return *failed;
            }
            if (offset) {
                ++repeat.matched;
                repeat.last_offset = *offset;
            }
        }
    }
    return repeat;
}

Result<AppendOutcome> Admission::repeat_of(const wire::RequestView& request,
                                           Written written) const {
    const Offset last = written.first + (written.records - 1);
    if (last < log_.start()) {
        return repeat_of_removed(request, written);
    }
    auto stored = record_at(last);
    if (!stored) {
        return stored.error();
    }
    if (!*stored) {
        return Error(Errc::corrupt, fmt::format("partition {}: no record at offset {}",
                                                log_.partition().value, last.value));
    }
    return outcome(last, named_version(**stored), written.records, true);
}

// Scavenging removed the batch; the index may still know the version.
Result<AppendOutcome> Admission::repeat_of_removed(const wire::RequestView& request,
                                                   Written written) const {
    const Offset last = written.first + (written.records - 1);
    auto txn = log_.reader().env().read();
    if (!txn) {
        return txn.error();
    }
    auto index = log_.index().snapshot(*txn, log_.index().end());
    if (!index) {
        return index.error();
    }
    const std::string_view stream =
        request.name(request.stream(request.header().streams - 1U).name);
    auto found = (*index)->postings(Term::of(TermKind::stream, stream), last, false, 1);
    if (!found) {
        return found.error();
    }
    if (!found->empty() && found->front().offset == last) {
        return outcome(last, found->front().version, written.records, true);
    }
    Error error(Errc::log_truncated,
                fmt::format("the request was written at offset {}; its events have been removed "
                            "since",
                            written.first.value));
    error.offset = log_.start().value;
    return error;
}

}  // namespace skald::store
