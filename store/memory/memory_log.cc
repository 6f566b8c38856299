#include "store/memory/memory_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/argument_checks.h"
#include "base/limits.h"
#include "wire/query.h"

namespace skald::store {
namespace {

bool holds(Expected expected, const MemoryStream& stream) {
    switch (expected.kind()) {
        case Expected::Kind::any:
            return true;
        case Expected::Kind::no_stream:
            return stream.state() == StreamState::none || stream.state() == StreamState::deleted;
        case Expected::Kind::stream_exists:
            return stream.state() == StreamState::active;
        case Expected::Kind::exact:
            return stream.next() == expected.version() + 1;
    }
    return false;
}

Conflict conflict_of(std::string_view name, Expected expected, const MemoryStream& stream) {
    return {std::string(name), to_string(expected),
            static_cast<std::int64_t>(stream.next().value) - 1};
}

Error tombstoned(std::string_view stream) {
    return {Errc::stream_tombstoned, fmt::format("stream {} was deleted for good", stream)};
}

Error conflicts(std::vector<Conflict> all, bool only_written) {
    Error error(
        only_written ? Errc::wrong_expected_version : Errc::check_failed,
        fmt::format("{} of the append's checks failed, first: {} is at {}, expected {}", all.size(),
                    all.front().stream, all.front().actual, all.front().expected));
    error.conflicts = std::move(all);
    return error;
}

}  // namespace

EventView MemoryRecord::view() const {
    EventView event;
    const auto parsed = wire::parse_record(as_bytes(bytes));
    event.stream = stream;
    event.type = type;
    event.version = version;
    event.partition = partition;
    event.offset = offset;
    event.id = id;
    event.recorded_at = recorded_at;
    event.data = parsed ? parsed->data : std::string_view();
    event.fields = parsed ? parsed->fields : std::string_view();
    event.control = control;
    return event;
}

const MemoryStream& MemoryLog::stream(std::string_view name) const {
    static const MemoryStream none;
    const auto found = streams_.find(name);
    return found == streams_.end() ? none : found->second;
}

bool MemoryLog::visible(const MemoryRecord& record) const {
    if (record.control) {
        return true;
    }
    const MemoryStream& own = stream(record.stream);
    return !own.erased.contains(record.version) &&
           own.rules().alive(record.version, record.recorded_at, own.next(),
                             records_.back()->recorded_at);
}

std::optional<Version> MemoryLog::first_visible(std::string_view name) const {
    for (const Offset offset : stream(name).events) {
        if (visible(*records_[offset.value])) {
            return records_[offset.value]->version;
        }
    }
    return std::nullopt;
}

Result<MemoryLog::Outcome> MemoryLog::append(const wire::RequestView& request,
                                             const std::optional<Producer>& producer, Time now) {
    if (!producer) {
        return check_and_write(request, now);
    }
    auto known = judge(request, *producer);
    if (!known) {
        return known.error();
    }
    if (*known) {
        return **known;
    }
    auto outcome = check_and_write(request, now);
    ProducerState& state = producers_[producer->id];
    state.next = std::max(state.next, producer->sequence + 1);
    if (outcome && !outcome->repeated) {
        state.written[producer->sequence] = {outcome->last, outcome->version};
        if (state.written.size() > limits::kProducerRequestsMax) {
            state.written.erase(state.written.begin());
        }
    }
    return outcome;
}

// The first receipt when the producer sent this before; nullopt when the request is due.
Result<std::optional<MemoryLog::Outcome>> MemoryLog::judge(const wire::RequestView& request,
                                                           const Producer& producer) {
    ProducerState& state = producers_[producer.id];
    if (producer.epoch < state.epoch) {
        return Error(Errc::fenced, fmt::format("producer {} has moved on to epoch {}",
                                               to_string(producer.id), state.epoch.value));
    }
    const std::uint64_t next = producer.epoch == state.epoch ? state.next : 0;
    if (producer.sequence > std::max(next, producer.resolved_below)) {
        return Error(
            Errc::sequence_gap,
            fmt::format("producer {} sent sequence {} where {} was due", to_string(producer.id),
                        producer.sequence, std::max(next, producer.resolved_below)));
    }
    if (producer.epoch > state.epoch) {
        state = ProducerState{producer.epoch, 0, {}};
    }
    if (producer.sequence >= next) {
        return std::optional<Outcome>();
    }
    if (const auto found = state.written.find(producer.sequence); found != state.written.end()) {
        return std::optional(Outcome{found->second.last, found->second.version, true});
    }
    if (state.written.size() == limits::kProducerRequestsMax &&
        producer.sequence < state.written.begin()->first) {
        return Error(Errc::sequence_gap, "the sequence is older than what is remembered");
    }
    auto repeat = find_repeat(request, true, Time{});
    if (repeat && *repeat) {
        return repeat;
    }
    return Error(Errc::already_rejected,
                 fmt::format("sequence {} of producer {} was rejected before", producer.sequence,
                             to_string(producer.id)));
}

Result<MemoryLog::Outcome> MemoryLog::check_and_write(const wire::RequestView& request, Time now) {
    if (auto ok = check_fence(request); !ok) {
        return ok.error();
    }
    if (auto ok = check_tombstones(request); !ok) {
        return ok.error();
    }
    const auto refused = find_conflicts(request);
    auto repeat = find_repeat(request, refused.has_value(), now);
    if (!repeat) {
        return repeat.error();
    }
    if (*repeat) {
        return **repeat;
    }
    return refused ? Result<Outcome>(*refused) : write(request, now);
}

Result<void> MemoryLog::check_fence(const wire::RequestView& request) const {
    const auto highest = fences_.find(request.fence());
    if (highest == fences_.end() || request.header().fence_token >= highest->second) {
        return {};
    }
    return Error(Errc::fenced,
                 fmt::format("fence {} has seen token {}; this is token {}", request.fence(),
                             highest->second, request.header().fence_token));
}

Result<void> MemoryLog::check_tombstones(const wire::RequestView& request) const {
    for (std::uint32_t i = 0; i < request.header().streams; ++i) {
        const std::string_view name = request.name(request.stream(i).name);
        if (stream(name).state() == StreamState::tombstoned) {
            return tombstoned(name);
        }
    }
    return {};
}

std::optional<Error> MemoryLog::find_conflicts(const wire::RequestView& request) const {
    std::vector<Conflict> found;
    const auto look = [&](const wire::RequestSection& section) {
        const std::string_view name = request.name(section.name);
        if (!holds(section.expectation(), stream(name))) {
            found.push_back(conflict_of(name, section.expectation(), stream(name)));
        }
    };
    for (std::uint32_t i = 0; i < request.header().streams; ++i) {
        look(request.stream(i));
    }
    const std::size_t written = found.size();
    for (std::uint32_t i = 0; i < request.header().checks; ++i) {
        look(request.check(i));
    }
    if (request.has_query()) {
        if (auto conflict = query_conflict(request)) {
            found.push_back(std::move(*conflict));
        }
    }
    if (found.empty()) {
        return std::nullopt;
    }
    const bool only_written = found.size() == written;
    return conflicts(std::move(found), only_written);
}

std::optional<Conflict> MemoryLog::query_conflict(const wire::RequestView& request) const {
    const Query query = request.query();
    const std::uint64_t from = request.header().query_from;
    for (std::uint64_t i = from; i < records_.size(); ++i) {
        if (!records_[i]->control && wire::matches(query, records_[i]->view())) {
            return Conflict{wire::to_string(query), fmt::format("nothing from offset {}", from),
                            static_cast<std::int64_t>(i)};
        }
    }
    return std::nullopt;
}

Result<std::optional<MemoryLog::Outcome>> MemoryLog::find_repeat(const wire::RequestView& request,
                                                                 bool conflict, Time now) const {
    bool by_version = true;
    for (std::uint32_t i = 0; i < request.header().streams; ++i) {
        const auto kind = request.stream(i).expectation().kind();
        by_version =
            by_version && (kind == Expected::Kind::exact || kind == Expected::Kind::no_stream);
    }
    const bool by_id = (request.header().flags & wire::kRequestCheckIds) != 0;
    if (by_version ? !conflict : !by_id) {
        return std::optional<Outcome>();
    }
    const Repeat repeat = by_version ? match_versions(request) : match_ids(request, now);
    if (repeat.matched == request.header().records) {
        return std::optional(repeat.last);
    }
    if (repeat.matched == 0) {
        return std::optional<Outcome>();
    }
    return Error(Errc::partly_repeated,
                 fmt::format("{} of the append's {} events are in the log already; nothing was "
                             "written",
                             repeat.matched, request.header().records));
}

MemoryLog::Repeat MemoryLog::match_versions(const wire::RequestView& request) const {
    Repeat repeat;
    std::uint32_t i = 0;
    for (std::uint32_t s = 0; s < request.header().streams; ++s) {
        const wire::RequestSection section = request.stream(s);
        const MemoryStream& own = stream(request.name(section.name));
        const bool exact = section.expectation().kind() == Expected::Kind::exact;
        std::uint64_t version = exact ? section.version + 1 : 0;
        for (const std::uint32_t past = i + section.records; i < past; ++i, ++version) {
            if (version >= own.events.size()) {
                continue;
            }
            const MemoryRecord& record = *records_[own.events[version].value];
            if (record.id == request.record_id(i)) {
                ++repeat.matched;
                repeat.last = {record.offset, record.version, true};
            }
        }
    }
    return repeat;
}

MemoryLog::Repeat MemoryLog::match_ids(const wire::RequestView& request, Time now) const {
    const std::int64_t oldest = now.us - std::chrono::microseconds(limits::kRecentIdsAge).count();
    Repeat repeat;
    std::uint32_t i = 0;
    for (std::uint32_t s = 0; s < request.header().streams; ++s) {
        const wire::RequestSection section = request.stream(s);
        const std::string_view name = request.name(section.name);
        for (const std::uint32_t past = i + section.records; i < past; ++i) {
            const auto found = ids_.find(request.record_id(i));
            if (found == ids_.end()) {
                continue;
            }
            const MemoryRecord& record = *records_[found->second.value];
            const bool recent =
                end() - record.offset <= limits::kRecentIdsMax && record.recorded_at.us >= oldest;
            if (recent && record.stream == name) {
                ++repeat.matched;
                repeat.last = {record.offset, record.version, true};
            }
        }
    }
    return repeat;
}

MemoryLog::Outcome MemoryLog::write(const wire::RequestView& request, Time now) {
    Outcome outcome;
    std::uint32_t i = 0;
    for (std::uint32_t s = 0; s < request.header().streams; ++s) {
        const wire::RequestSection section = request.stream(s);
        for (const std::uint32_t past = i + section.records; i < past; ++i) {
            MemoryRecord record;
            record.stream = request.name(section.name);
            record.type = request.name(request.record_prefix(i).type);
            record.bytes = as_text(request.record_bytes(i));
            record.id = request.record_id(i);
            MemoryStream& own = streams_[record.stream];
            record.version = own.next();
            outcome.version = record.version;
            ids_[record.id] = end();
            own.events.push_back(end());
            outcome.last = push(std::move(record), now);
        }
    }
    if (!request.fence().empty()) {
        fences_[std::string(request.fence())] = request.header().fence_token;
    }
    return outcome;
}

Offset MemoryLog::push(MemoryRecord record, Time now) {
    record.partition = partition_;
    record.offset = end();
    record.recorded_at = now;
    records_.push_back(std::make_shared<const MemoryRecord>(std::move(record)));
    return records_.back()->offset;
}

Result<MemoryLog::Outcome> MemoryLog::change(const Lifecycle& request, const Uuid& id, Time now) {
    const MemoryStream& before = stream(request.stream);
    if (before.state() == StreamState::tombstoned) {
        return tombstoned(request.stream);
    }
    if (const auto* set = std::get_if<SetLimits>(&request.change)) {
        if (auto ok = check_limits(set->limits); !ok) {
            return ok.error();
        }
    }
    if (!holds(request.expected, before)) {
        return conflicts({conflict_of(request.stream, request.expected, before)}, true);
    }
    const auto* erase = std::get_if<EraseEvent>(&request.change);
    if (erase != nullptr && erase->version >= before.next()) {
        return Error(Errc::not_found, fmt::format("stream {} has no event {}", request.stream,
                                                  erase->version.value));
    }
    MemoryStream& own = streams_[request.stream];
    const ControlChange change = apply_change(own.rules(), request.change, own.next());
    own.control = change.control;
    if (erase != nullptr) {
        own.erased.insert(erase->version);
    }
    NewEvent event;
    event.content_type = kControlContentType;
    event.data = encode_control(change.control);
    MemoryRecord record;
    record.stream = request.stream;
    record.type = change.type;
    record.id = id;
    record.control = true;
    wire::append_record(record.bytes, event, wire::RecordPrefix{});
    const Version last{own.next().value == 0 ? 0 : own.next().value - 1};
    return Outcome{push(std::move(record), now), last, false};
}

}  // namespace skald::store
