#include <cstring>

#include "wire/batch.h"

namespace skald::wire {

EventCursor::EventCursor(const BatchView& batch) : batch_(batch) {
    event_.partition = batch.partition();
    event_.recorded_at = batch.recorded_at();
    if (!batch.slice()) {
        versions_.resize(batch.names());
        for (std::uint32_t i = 0; i < batch.names(); ++i) {
            versions_[i] = batch.name_entry(i).first_version;
        }
    }
}

bool EventCursor::next() {
    if (next_ == batch_.size() || corrupt_) {
        return false;
    }
    index_ = next_++;
    const auto record = batch_.record(index_);
    if (!record || !resolve(record->prefix)) {
        corrupt_ = true;
        return false;
    }
    const RecordPrefix& prefix = record->prefix;
    event_.version = Version{};
    if (batch_.slice()) {
        event_.version = batch_.slice_version(index_);
    } else if (!prefix.control()) {
        event_.version = Version{versions_[prefix.stream]++};
    }
    event_.offset = batch_.offset(index_);
    std::memcpy(event_.id.bytes.data() + 8, prefix.id_low.data(), prefix.id_low.size());
    event_.control = prefix.control();
    event_.data = record->data;
    event_.fields = record->fields;
    hole_ = prefix.hole();
    return true;
}

// Looks up what the record before did not have. False when a number names nothing.
bool EventCursor::resolve(const RecordPrefix& prefix) {
    if (prefix.stream != stream_) {
        stream_ = prefix.stream;
        event_.stream = batch_.name(prefix.stream);
    }
    if (prefix.type != type_) {
        type_ = prefix.type;
        event_.type = batch_.name(prefix.type);
    }
    if (prefix.id_half != half_) {
        const auto half = batch_.id_half(prefix.id_half);
        if (!half) {
            return false;
        }
        half_ = prefix.id_half;
        std::memcpy(event_.id.bytes.data(), half->data(), half->size());
    }
    return !event_.stream.empty() && !event_.type.empty();
}

}  // namespace skald::wire
