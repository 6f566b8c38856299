#include "store/stream_state.h"

#include <algorithm>

#include "base/bytes.h"

namespace skald::store {
namespace {

enum ControlFlags : std::uint32_t {
    kDeleted = 1,
    kTombstoned = 2,
    kHasMaxCount = 4,
    kHasMaxAge = 8,
    kHasErased = 16,
};

struct StoredControl {
    std::uint32_t version = 1;
    std::uint32_t flags = 0;
    std::uint64_t truncate_before = 0;
    std::uint64_t max_count = 0;
    std::uint64_t max_age_us = 0;
    std::uint64_t erased = 0;
};
static_assert(sizeof(StoredControl) == 40);

}  // namespace

StreamState StreamControl::state(Version next) const {
    if (tombstoned) {
        return StreamState::tombstoned;
    }
    if (deleted && next <= truncate_before) {
        return StreamState::deleted;
    }
    return next.value == 0 ? StreamState::none : StreamState::active;
}

Version StreamControl::first_visible(Version next) const {
    Version first = truncate_before;
    if (limits.max_count && next.value > *limits.max_count) {
        first = std::max(first, Version{next.value - *limits.max_count});
    }
    return first;
}

bool StreamControl::alive(Version version, Time recorded_at, Version next, Time log_time) const {
    if (tombstoned || version < first_visible(next)) {
        return false;
    }
    return !limits.max_age || recorded_at.us >= log_time.us - limits.max_age->count();
}

std::string encode_control(const StreamControl& control) {
    StoredControl stored;
    stored.flags = (control.deleted ? kDeleted : 0U) | (control.tombstoned ? kTombstoned : 0U) |
                   (control.limits.max_count ? kHasMaxCount : 0U) |
                   (control.limits.max_age ? kHasMaxAge : 0U) | (control.erased ? kHasErased : 0U);
    stored.truncate_before = control.truncate_before.value;
    stored.max_count = control.limits.max_count.value_or(0);
    if (control.limits.max_age) {
        stored.max_age_us = static_cast<std::uint64_t>(control.limits.max_age->count());
    }
    stored.erased = control.erased.value_or(Version{}).value;
    return {reinterpret_cast<const char*>(&stored), sizeof stored};
}

std::optional<StreamControl> decode_control(std::string_view data) {
    StoredControl stored;
    if (data.size() != sizeof stored) {
        return std::nullopt;
    }
    std::memcpy(&stored, data.data(), sizeof stored);
    if (stored.version != 1) {
        return std::nullopt;
    }
    StreamControl control;
    control.truncate_before = Version{stored.truncate_before};
    control.deleted = (stored.flags & kDeleted) != 0;
    control.tombstoned = (stored.flags & kTombstoned) != 0;
    if ((stored.flags & kHasMaxCount) != 0) {
        control.limits.max_count = stored.max_count;
    }
    if ((stored.flags & kHasMaxAge) != 0) {
        control.limits.max_age =
            std::chrono::microseconds(static_cast<std::int64_t>(stored.max_age_us));
    }
    if ((stored.flags & kHasErased) != 0) {
        control.erased = Version{stored.erased};
    }
    return control;
}

ControlChange apply_change(StreamControl control, const LifecycleChange& change, Version next) {
    control.erased.reset();
    if (const auto* truncate = std::get_if<TruncateStream>(&change)) {
        control.truncate_before =
            std::max(control.truncate_before, std::min(truncate->before, next));
        return {control, kTruncatedType};
    }
    if (const auto* limits = std::get_if<SetLimits>(&change)) {
        control.limits = limits->limits;
        return {control, kLimitsSetType};
    }
    if (const auto* erase = std::get_if<EraseEvent>(&change)) {
        control.erased = erase->version;
        return {control, kErasedType};
    }
    const bool hard = std::get<DeleteStream>(change).hard;
    control.truncate_before = next;
    control.deleted = true;
    control.tombstoned = control.tombstoned || hard;
    return {control, hard ? kTombstonedType : kDeletedType};
}

}  // namespace skald::store
