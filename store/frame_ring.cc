#include "store/frame_ring.h"

#include <algorithm>

namespace skald::store {

void FrameRing::push(Offset base, Offset end, Frame frame) {
    const std::scoped_lock lock(mutex_);
    bytes_ += frame->capacity();
    entries_.push_back({base, end, std::move(frame)});
    while (entries_.size() > 1 && bytes_ > bytes_max_) {
        bytes_ -= entries_.front().frame->capacity();
        entries_.pop_front();
    }
}

Frame FrameRing::find(Offset offset) const {
    const std::scoped_lock lock(mutex_);
    const auto after =
        std::upper_bound(entries_.begin(), entries_.end(), offset,
                         [](Offset o, const Entry& entry) { return o < entry.base; });
    if (after == entries_.begin() || std::prev(after)->end <= offset) {
        return nullptr;
    }
    return std::prev(after)->frame;
}

void FrameRing::clear() {
    const std::scoped_lock lock(mutex_);
    entries_.clear();
    bytes_ = 0;
}

std::size_t FrameRing::owned_bytes() const {
    const std::scoped_lock lock(mutex_);
    return bytes_;
}

}  // namespace skald::store
