#include "store/reading.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"

namespace skald::store {
Result<void> explain_empty(Volume& volume, const Selection& selection) {
    if (selection.kind != Selection::Kind::stream) {
        return {};
    }
    auto info = volume.stream_info(selection.name);
    if (!info) {
        return info.error();
    }
    switch (info->state) {
        case StreamState::active:
            return {};
        case StreamState::none:
            return Error(Errc::stream_not_found,
                         fmt::format("there is no stream {}", selection.name));
        case StreamState::deleted:
            return Error(Errc::stream_deleted,
                         fmt::format("stream {} was deleted", selection.name));
        case StreamState::tombstoned:
            return Error(Errc::stream_tombstoned,
                         fmt::format("stream {} was deleted for good", selection.name));
    }
    return {};
}

Result<PageStart> begin_page(Volume& volume, const Read& request,
                             std::vector<std::string> allowed) {
    if (request.limit == 0 || request.limit > limits::kPageEventsMax) {
        return Error(Errc::invalid_argument, fmt::format("a page has 1 to {} events, not {}",
                                                         limits::kPageEventsMax, request.limit));
    }
    CursorOptions options;
    options.selection = request.selection;
    options.start = request.start;
    options.backward = request.backward;
    options.allowed = std::move(allowed);
    auto cursor = volume.cursor(options);
    if (!cursor) {
        return cursor.error();
    }
    const auto bytes = std::min<std::size_t>(request.bytes, limits::kPageBytesMax);
    return PageStart{std::move(*cursor), {request.limit, bytes}};
}

}  // namespace skald::store
