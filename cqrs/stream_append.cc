#include "cqrs/stream_append.h"

#include <fmt/format.h>

#include "cqrs/derived_id.h"

namespace skald::cqrs {
namespace {

bool holds(Expected expected, std::optional<Version> version) {
    switch (expected.kind()) {
        case Expected::Kind::any:
            return true;
        case Expected::Kind::no_stream:
            return !version;
        case Expected::Kind::stream_exists:
            return version.has_value();
        case Expected::Kind::exact:
            return version == expected.version();
    }
    return false;
}

// Enough of the event for the store to see that it is the same: ids stand for content.
NewEvent same_as(const EventView& event) {
    NewEvent made;
    made.type = event.type;
    made.data = event.data;
    made.id = event.id;
    made.schema_version = event.schema_version();
    made.content_type = event.content_type();
    made.command_id = event.command_id();
    return made;
}

// Up to the first that is no longer there.
Result<std::vector<NewEvent>> read_again(EventStore& store, const std::string& stream,
                                         const CommandWindow::Entry& entry) {
    std::vector<NewEvent> events;
    Read read;
    read.selection = Selection::stream(stream);
    read.start = entry.first;
    for (bool end = false; !end && events.size() < entry.events;) {
        read.limit = entry.events - static_cast<std::uint32_t>(events.size());
        auto page = store.read(read);
        if (!page) {
            return page.error();
        }
        for (const EventView& event : page->events) {
            if (event.version != entry.first + events.size()) {
                return events;
            }
            events.push_back(same_as(event));
        }
        read.start = page->resume;
        end = page->end;
    }
    return events;
}

void give_ids(std::vector<NewEvent>& events, Expected expected, const Uuid& key) {
    std::uint64_t place =
        expected.kind() == Expected::Kind::exact ? expected.version().value + 1 : 0;
    for (NewEvent& event : events) {
        event.id = derived_id(key, IdPurpose::event, place++);
    }
}

}  // namespace

Expected expected_at(std::optional<Version> version) {
    return version ? Expected::exact(*version) : Expected::no_stream();
}

Append append_of(const std::string& stream, Expected expected, const Uuid& key,
                 std::vector<NewEvent> events, const ExecuteOptions& options) {
    for (NewEvent& event : events) {
        event.command_id = options.command_id;
        event.correlation_id = options.correlation_id;
        event.causation_id = options.causation_id;
        event.trace_context = options.trace_context;
        event.hop = options.hop;
        event.tags.insert(event.tags.end(), options.tags.begin(), options.tags.end());
        event.metadata.insert(event.metadata.end(), options.metadata.begin(),
                              options.metadata.end());
    }
    give_ids(events, expected, key);
    Append append = Append::many(stream, std::move(events), expected);
    if (options.fail_if_exists) {
        append.query = QueryCheck{*options.fail_if_exists, Offset{0}};
    }
    return append;
}

Append moved_to(Append append, Version version, const Uuid& key) {
    StreamAppend& own = append.streams.front();
    own.expected = Expected::exact(version);
    give_ids(own.events, own.expected, key);
    return append;
}

Result<Receipt> repeat_of(EventStore& store, const std::string& stream,
                          const CommandWindow::Entry& entry) {
    auto events = read_again(store, stream, entry);
    if (!events) {
        return events.error();
    }
    if (events->size() != entry.events) {
        return Error(Errc::log_truncated,
                     fmt::format("stream {}: the command was carried out at version {}; its events "
                                 "have been removed since",
                                 stream, entry.first.value));
    }
    const auto before =
        entry.first.value == 0 ? std::nullopt : std::optional<Version>(entry.first - 1);
    return store.append(Append::many(stream, std::move(*events), expected_at(before)));
}

Result<void> check_expected(const std::string& stream, const std::optional<Expected>& expected,
                            std::optional<Version> version) {
    if (!expected || holds(*expected, version)) {
        return {};
    }
    const std::int64_t actual = version ? static_cast<std::int64_t>(version->value) : -1;
    Error error(Errc::wrong_expected_version,
                fmt::format("stream {}: expected {}, found {}", stream, to_string(*expected),
                            version ? std::to_string(actual) : "none"));
    error.conflicts.push_back({stream, to_string(*expected), actual});
    return error;
}

std::optional<Offset> existing_by(const Error& refusal) {
    if (refusal.conflicts.empty()) {
        return std::nullopt;
    }
    // The query's is the last of them (Append).
    return Offset{static_cast<std::uint64_t>(refusal.conflicts.back().actual)};
}

}  // namespace skald::cqrs
