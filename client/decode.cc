#include "client/decode.h"

#include <fmt/format.h>

#include <algorithm>

#include "wire/batch.h"

namespace skald::client {

Result<void> decode_body(Bytes body, Partition partition, bool backward,
                         std::vector<EventView>& events) {
    auto batch = wire::BatchView::open(body, partition);
    if (!batch) {
        return batch.error();
    }
    const std::size_t begin = events.size();
    events.reserve(begin + batch->size());
    wire::EventCursor cursor(*batch);
    while (cursor.next()) {
        if (!cursor.hole()) {
            events.push_back(cursor.event());
        }
    }
    if (cursor.corrupt()) {
        return Error(Errc::corrupt,
                     fmt::format("partition {}: a record behind offset {} was damaged "
                                 "on its way or in the log",
                                 partition.value, batch->base().value));
    }
    if (backward) {
        std::reverse(events.begin() + static_cast<std::ptrdiff_t>(begin), events.end());
    }
    return {};
}

}  // namespace skald::client
