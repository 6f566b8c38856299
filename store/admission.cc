#include "store/admission.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/query_scan.h"
#include "wire/query.h"

namespace skald::store {
namespace {

bool holds(Expected expected, const StreamFacts& facts) {
    switch (expected.kind()) {
        case Expected::Kind::any:
            return true;
        case Expected::Kind::no_stream:
            return facts.next.value == 0 || facts.state() == StreamState::deleted;
        case Expected::Kind::stream_exists:
            return facts.state() == StreamState::active;
        case Expected::Kind::exact:
            return facts.next == expected.version() + 1;
    }
    return false;
}

std::int64_t last_version(const StreamFacts& facts) {
    return static_cast<std::int64_t>(facts.next.value) - 1;
}

std::string describe(const Conflict& conflict) {
    const std::string actual = conflict.actual < 0 ? "none" : std::to_string(conflict.actual);
    return fmt::format("stream {} is at version {}, expected {}", conflict.stream, actual,
                       conflict.expected);
}

}  // namespace

void Admission::begin(Time clock) {
    clock_ = clock;
    has_lifecycle_ = false;
    erasures_.clear();
    changed_.clear();
    pending_.clear();
    committed_.clear();
    builder_.begin(log_.epoch(), log_.next, log_.chain);
}

AppendOutcome Admission::outcome(Offset last, Version version, std::uint32_t records,
                                 bool repeated) const {
    AppendOutcome outcome;
    outcome.partition = log_.partition();
    outcome.offset = last;
    outcome.version = version;
    outcome.records = records;
    outcome.repeated = repeated;
    outcome.epoch = log_.epoch();
    return outcome;
}

Result<AppendOutcome> Admission::admit(const Submission& submission,
                                       std::optional<std::chrono::nanoseconds> waited) {
    waited_ = waited;
    wait_more_ = {};
    if (!submission.producer) {
        return check_and_write(submission);
    }
    const Producer& producer = *submission.producer;
    auto judged = log_.producers().judge(producer);
    if (!judged) {
        return judged.error();
    }
    using Verdict = ProducerTable::Verdict;
    switch (judged->verdict) {
        case Verdict::fresh:
            break;
        case Verdict::repeated:
            return repeat_of(submission.request, judged->written);
        case Verdict::fenced:
            return Error(
                Errc::fenced,
                fmt::format("producer {} has moved on to epoch {}; this is epoch {}",
                            to_string(producer.id), judged->epoch.value, producer.epoch.value));
        case Verdict::gap:
            return Error(Errc::sequence_gap,
                         fmt::format("producer {} sent sequence {} where {} was due",
                                     to_string(producer.id), producer.sequence, judged->expected));
        case Verdict::forgotten:
            return Error(Errc::sequence_gap,
                         fmt::format("sequence {} of producer {} is older than what is remembered",
                                     producer.sequence, to_string(producer.id)));
        case Verdict::already_rejected: {
            auto repeat = find_repeat(submission.request, true);
            if (repeat && *repeat) {
                return **repeat;
            }
            // What cannot be looked up proves nothing.
            if (!repeat && class_of(repeat.error().code) != ErrorClass::conflict) {
                return repeat.error();
            }
            return Error(Errc::already_rejected,
                         fmt::format("sequence {} of producer {} was rejected before",
                                     producer.sequence, to_string(producer.id)));
        }
    }
    auto done = check_and_write(submission);
    if (wait_more_.count() != 0) {
        return done;
    }
    if (auto ok = remember(producer, done); !ok) {
        return ok.error();
    }
    return done;
}

// What was written is remembered with its batch. A repeat is as good as written: sent once more, it
// must get the same answer, although what found it may be forgotten by then.
Result<void> Admission::remember(const Producer& producer, const Result<AppendOutcome>& done) {
    if (done && !done->repeated) {
        return {};
    }
    if (done && done->offset.value + 1 >= done->records) {
        return log_.producers().wrote(producer, Offset{done->offset.value + 1 - done->records},
                                      done->records);
    }
    return log_.producers().rejected(producer);
}

Result<AppendOutcome> Admission::check_and_write(const Submission& submission) {
    const wire::RequestView& request = submission.request;
    auto refused = check_fence(request);
    if (!refused || *refused) {
        return refused ? **refused : refused.error();
    }
    refused = check_streams(request);
    if (!refused) {
        return refused.error();
    }
    const bool conflict = refused->has_value();
    if (conflict || (request.header().flags & wire::kRequestCheckIds) != 0) {
        auto repeat = find_repeat(request, conflict);
        if (!repeat || *repeat) {
            return repeat ? Result<AppendOutcome>(**repeat) : repeat.error();
        }
    }
    if (conflict) {
        return **refused;
    }
    if (request.control()) {
        refused = check_control(request);
        if (!refused || *refused) {
            return refused ? **refused : refused.error();
        }
    }
    return write(submission);
}

Result<std::optional<Error>> Admission::check_fence(const wire::RequestView& request) {
    if (request.header().fence == wire::kNone16) {
        return std::optional<Error>();
    }
    const std::string_view name = request.name(request.header().fence);
    auto highest = log_.producers().fence(name);
    if (!highest) {
        return highest.error();
    }
    if (request.header().fence_token >= *highest) {
        return std::optional<Error>();
    }
    return std::optional(
        Error(Errc::fenced, fmt::format("fence {} has seen token {}; this is token {}", name,
                                        *highest, request.header().fence_token)));
}

Result<std::optional<Error>> Admission::check_streams(const wire::RequestView& request) {
    std::vector<Conflict> conflicts;
    facts_.clear();
    bool only_written = true;
    const std::uint32_t streams = request.header().streams;
    for (std::uint32_t i = 0; i < streams + request.header().checks; ++i) {
        const bool written = i < streams;
        const auto section = written ? request.stream(i) : request.check(i - streams);
        const std::string_view stream = request.name(section.name);
        auto facts = log_.facts(stream);
        if (!facts) {
            return facts.error();
        }
        if (facts->state() == StreamState::tombstoned && written) {
            return std::optional(Error(Errc::stream_tombstoned,
                                       fmt::format("stream {} was deleted for good", stream)));
        }
        if (!holds(section.expectation(), *facts)) {
            only_written = only_written && written;
            conflicts.push_back({std::string(stream), to_string(section.expectation()),
                                 facts->state() == StreamState::none ? -1 : last_version(*facts)});
        }
        if (written) {
            facts_.push_back(std::move(*facts));
        }
    }
    if (request.has_query()) {
        auto conflict = check_query(request);
        if (!conflict) {
            return conflict.error();
        }
        if (*conflict) {
            only_written = false;
            conflicts.push_back(std::move(**conflict));
        }
    }
    if (conflicts.empty()) {
        return std::optional<Error>();
    }
    Error error(only_written ? Errc::wrong_expected_version : Errc::check_failed,
                describe(conflicts.front()));
    if (conflicts.size() > 1) {
        error.message += fmt::format(" (and {} more failed checks)", conflicts.size() - 1);
    }
    error.conflicts = std::move(conflicts);
    return std::optional(std::move(error));
}

// A lifecycle record carries the stream's whole state, so it must rest on the newest one.
Result<std::optional<Error>> Admission::check_control(const wire::RequestView& request) const {
    const auto& lifecycle = facts_.front().lifecycle;
    const std::uint64_t newest = lifecycle ? lifecycle->value + 1 : 0;
    if (request.header().query_from == newest) {
        return std::optional<Error>();
    }
    return std::optional(Error(Errc::busy, "the stream's limits changed meanwhile; try again"));
}

Result<std::optional<Conflict>> Admission::check_query(const wire::RequestView& request) const {
    auto txn = log_.reader().env().read();
    if (!txn) {
        return txn.error();
    }
    auto index = log_.index().snapshot(*txn, log_.index().end());
    if (!index) {
        return index.error();
    }
    const Query query = request.query();
    auto found = scan_query(**index, query)->seek(Offset{request.header().query_from});
    if (!found) {
        return found.error();
    }
    if (!*found) {
        return std::optional<Conflict>();
    }
    return std::optional(Conflict{
        wire::to_string(query), fmt::format("nothing from offset {}", request.header().query_from),
        static_cast<std::int64_t>((*found)->value)});
}

Result<AppendOutcome> Admission::write(const Submission& submission) {
    const wire::RequestView& request = submission.request;
    first_versions_.clear();
    for (const StreamFacts& facts : facts_) {
        first_versions_.push_back(facts.next);
    }
    const Offset first = log_.next + builder_.size();
    const bool queues = queues_ != nullptr && queues_->any() && !request.control();
    if (queues) {
        if (auto ok = enter_queues(request); !ok) {
            return ok.error();
        }
    }
    if (!inline_.empty()) {
        if (auto ok = ask_handlers(request, first); !ok) {
            if (queues) {
                leave_queues(request);
            }
            return ok.error();
        }
    }
    builder_.add(request, first_versions_, submission.producer ? &*submission.producer : nullptr);
    index_records(request, first);
    if (request.header().fence != wire::kNone16) {
        log_.producers().raise_fence(request.name(request.header().fence),
                                     request.header().fence_token);
    }
    if (submission.producer) {
        if (auto ok = log_.producers().wrote(*submission.producer, first, request.header().records);
            !ok) {
            return ok.error();
        }
    }
    if (request.control()) {
        note_control(request, first);
    }
    const Pending& last = pending_.back();
    return outcome(first + (request.header().records - 1), named_version(last),
                   request.header().records, false);
}

// What the request itself says of it.
EventView Admission::view_of(const wire::RequestView& request, const wire::RequestSection& section,
                             std::uint32_t record) {
    const auto parts = wire::parse_record(request.record_bytes(record));
    EventView event{};
    event.stream = request.name(section.name);
    event.type = request.name(parts->prefix.type);
    event.data = parts->data;
    event.fields = parts->fields;
    return event;
}

// Nothing of the request is anywhere yet: refused here, it leaves nothing behind.
Result<void> Admission::ask_handlers(const wire::RequestView& request, Offset first) {
    std::vector<EventView> events;
    events.reserve(request.header().records);
    for (std::uint32_t i = 0; i < request.header().streams; ++i) {
        const auto section = request.stream(i);
        for (std::uint32_t n = 0; n < section.records; ++n) {
            const auto record = static_cast<std::uint32_t>(events.size());
            EventView& event = events.emplace_back(view_of(request, section, record));
            event.version = first_versions_[i] + n;
            event.partition = log_.partition();
            event.offset = first + record;
            event.id = request.record_id(record);
            event.recorded_at = clock_;
            event.control = request.control();
        }
    }
    return inline_.apply(events);
}

void Admission::index_records(const wire::RequestView& request, Offset first) {
    EventView event;
    event.partition = log_.partition();
    event.recorded_at = clock_;
    event.control = request.control();
    std::uint32_t record = 0;
    for (std::uint32_t i = 0; i < request.header().streams; ++i) {
        const auto section = request.stream(i);
        event.stream = request.name(section.name);
        const std::uint64_t stream_hash = wire::name_hash(event.stream);
        Version version = first_versions_[i];
        for (std::uint32_t n = 0; n < section.records; ++n, ++record) {
            const wire::RecordPrefix prefix = request.record_prefix(record);
            event.type = request.name(prefix.type);
            event.offset = first + record;
            event.version = version;
            event.id = request.record_id(record);
            event.fields = {};
            if ((prefix.flags & wire::kRecordHasFields) != 0) {
                event.fields = wire::parse_record(request.record_bytes(record))->fields;
            }
            log_.index().add(event, false);
            pending_.push_back({event.id, stream_hash, version, event.control});
            if (!event.control) {
                log_.recent_ids().add(event.id, event.offset, clock_);
                ++version;
            }
        }
        facts_[i].next = version;
        log_.wrote(event.stream, event.control ? std::nullopt : std::optional(facts_[i]));
    }
}

void Admission::note_control(const wire::RequestView& request, Offset offset) {
    const auto record = wire::parse_record(request.record_bytes(0));
    const auto control = decode_control(record->data);
    if (!control) {
        return;
    }
    has_lifecycle_ = true;
    log_.remember_control(offset, *control);
    changed_.emplace_back(request.name(request.stream(0).name));
    if (control->erased) {
        erasures_.push_back({changed_.back(), *control->erased});
    }
}

std::string Admission::finish() {
    const auto records = static_cast<std::uint64_t>(builder_.size());
    std::string batch = builder_.finish(log_.next, static_cast<std::uint64_t>(clock_.us));
    std::swap(previous_, pending_);
    pending_.clear();
    previous_base_ = log_.next;
    log_.next = log_.next + records;
    log_.chain = builder_.chain();
    log_.clock = clock_;
    return batch;
}

}  // namespace skald::store
