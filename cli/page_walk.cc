#include "cli/page_walk.h"

#include <algorithm>

#include "base/limits.h"

namespace skald::cli {

Result<void> walk_pages(EventStore& store, const Walk& walk, const StopSignal& stop,
                        const std::function<Result<void>(const Page&)>& take) {
    Read read;
    read.selection = walk.selection;
    read.start = walk.start;
    read.backward = walk.backward;
    std::uint64_t left = walk.limit.value_or(~std::uint64_t{0});
    while (left > 0) {
        if (stop.requested()) {
            return Error(Errc::shutting_down, "interrupted: there may be more");
        }
        read.limit =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(left, limits::kPageEventsMax));
        auto page = store.read(read);
        if (!page) {
            return page.error();
        }
        if (auto taken = take(*page); !taken) {
            return taken.error();
        }
        left -= std::min<std::uint64_t>(left, page->events.size());
        if (page->end) {
            break;
        }
        read.start = page->resume;
    }
    return {};
}

}  // namespace skald::cli
