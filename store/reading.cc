#include "store/reading.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "wire/batch.h"

namespace skald::store {
namespace {

Result<void> check_exists(Volume& volume, const Selection& selection) {
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

}  // namespace

Result<PageStart> begin_page(Volume& volume, const Read& request,
                             std::vector<std::string> allowed) {
    if (request.limit == 0 || request.limit > limits::kPageEventsMax) {
        return Error(Errc::invalid_argument, fmt::format("a page has 1 to {} events, not {}",
                                                         limits::kPageEventsMax, request.limit));
    }
    if (auto ok = check_exists(volume, request.selection); !ok) {
        return ok.error();
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

Result<ChunkPage> read_page(Volume& volume, const Read& request, std::vector<std::string> allowed) {
    auto begun = begin_page(volume, request, std::move(allowed));
    if (!begun) {
        return begun.error();
    }
    ChunkPage page;
    auto step = begun->cursor->next(begun->budget);
    if (!step) {
        return step.error();
    }
    page.chunks = std::move(step->chunks);
    page.end = step->end;
    page.next = begun->cursor->position();
    return page;
}

Result<void> decode_chunk(const Chunk& chunk, bool backward, std::vector<EventView>& events) {
    auto batch = wire::BatchView::open(as_bytes(*chunk.frame), chunk.partition);
    if (!batch) {
        return batch.error();
    }
    const std::size_t begin = events.size();
    wire::EventCursor cursor(*batch);
    while (cursor.next()) {
        if (!cursor.hole()) {
            events.push_back(cursor.event());
        }
    }
    if (cursor.corrupt()) {
        return Error(Errc::corrupt,
                     fmt::format("partition {}: a record behind offset {} is damaged",
                                 chunk.partition.value, chunk.first.value));
    }
    if (backward) {
        std::reverse(events.begin() + static_cast<std::ptrdiff_t>(begin), events.end());
    }
    return {};
}

}  // namespace skald::store
