// Reads on, page after page.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "cli/stop_signal.h"
#include "skald/event_store.h"

namespace skald::cli {

struct Walk {
    Selection selection;
    Start start = Beginning{};
    bool backward = false;
    std::optional<std::uint64_t> limit;  // events in all
};

// Hands every page on until the high-watermark of then or the limit. A requested stop before that
// is shutting_down; an error of `take` ends it too.
Result<void> walk_pages(EventStore& store, const Walk& walk, const StopSignal& stop,
                        const std::function<Result<void>(const Page&)>& take);

}  // namespace skald::cli
