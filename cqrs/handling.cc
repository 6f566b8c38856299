#include "cqrs/handling.h"

#include <fmt/format.h>

#include "skald/cqrs/event_table.h"

namespace skald::cqrs {

Error thrown(const char* what) {
    return {Errc::handler_failed,
            fmt::format("the handler failed: {}",
                        what != nullptr ? what : "it threw no std::exception")};
}

Error at_event(const EventView& event, const Error& error) {
    Error placed = cqrs::placed(event, error);
    placed.message = fmt::format("partition {} offset {}: {}", event.partition.value,
                                 event.offset.value, placed.message);
    return placed;
}

}  // namespace skald::cqrs
