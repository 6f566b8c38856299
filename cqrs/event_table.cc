#include "skald/cqrs/event_table.h"

#include <fmt/format.h>

#include "base/check.h"

namespace skald::cqrs {

Result<void> check_content_type(const EventView& event, std::string_view wanted) {
    const std::string_view found = event.content_type();
    if (found == wanted || (found.empty() && wanted == kContentTypeJson)) {
        return {};
    }
    return Error(Errc::malformed, fmt::format("expected data of {}, found {}", wanted,
                                              found.empty() ? kContentTypeJson : found));
}

Error placed(const EventView& event, const Error& error) {
    Error placed = error;
    placed.message =
        fmt::format("stream {} version {}: event {} (schema version {}): {}", event.stream,
                    event.version.value, event.type, event.schema_version(), error.message);
    return placed;
}

Error unknown_type(const EventView& event, std::string_view state_events) {
    return placed(
        event, Error(Errc::malformed, fmt::format("expected one of the types {}", state_events)));
}

void check_event_name(bool added, std::string_view name) {
    SKALD_CHECK(added, fmt::format("two events of one list are named {}", name));
}

}  // namespace skald::cqrs
