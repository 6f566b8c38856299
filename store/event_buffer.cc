#include "store/event_buffer.h"

#include <algorithm>

#include "store/log_reader.h"

namespace skald::store {

EventBuffer::EventBuffer() : memory_(std::make_shared<Memory>()) {}

std::string_view EventBuffer::stored(std::string_view bytes) {
    if (bytes.empty()) {
        return {};
    }
    auto* at = static_cast<char*>(memory_->bytes.allocate(bytes.size(), 1));
    std::copy(bytes.begin(), bytes.end(), at);
    return {at, bytes.size()};
}

void EventBuffer::copy(const EventView& event) {
    stream_ = event.stream == stream_ ? stream_ : stored(event.stream);
    type_ = event.type == type_ ? type_ : stored(event.type);
    EventView& copied = events_.emplace_back(event);
    copied.stream = stream_;
    copied.type = type_;
    copied.data = stored(event.data);
    copied.fields = stored(event.fields);
}

Result<void> EventBuffer::keep(Frame frame, Partition partition) {
    auto batch = wire::BatchView::open_checked(as_bytes(*frame), partition);
    if (!batch) {
        return batch.error();
    }
    memory_->frames.push_back(std::move(frame));
    wire::EventCursor cursor(*batch);
    while (cursor.next()) {
        if (!cursor.hole()) {
            events_.push_back(cursor.event());
        }
    }
    if (cursor.corrupt()) {
        return record_damaged(partition, batch->offset(cursor.index()));
    }
    return {};
}

}  // namespace skald::store
