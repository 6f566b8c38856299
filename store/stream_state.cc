#include "store/stream_state.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "base/bytes.h"
#include "base/limits.h"

namespace skald::store {
namespace {

enum ControlFlags : std::uint32_t {
    kDeleted = 1,
    kTombstoned = 2,
    kHasMaxCount = 4,
    kHasMaxAge = 8,
    kHasErased = 16,
    kHasRemoved = 32,  // ranges stand behind, each two versions
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

struct StoredRange {
    std::uint64_t first = 0;
    std::uint64_t next = 0;
};

// nullopt when they are not in order and apart.
std::optional<std::vector<VersionRange>> ranges_of(std::string_view bytes) {
    std::vector<VersionRange> ranges;
    std::uint64_t end = 0;
    for (; bytes.size() >= sizeof(StoredRange); bytes.remove_prefix(sizeof(StoredRange))) {
        StoredRange range;
        std::memcpy(&range, bytes.data(), sizeof range);
        if (range.first < end || range.next <= range.first) {
            return std::nullopt;
        }
        end = range.next;
        ranges.push_back({Version{range.first}, Version{range.next}});
    }
    return bytes.empty() && !ranges.empty() ? std::optional(std::move(ranges)) : std::nullopt;
}

// With an event since it was deleted it is a stream again, and stays one.
void truncate_to(StreamControl& control, Version before, Version next) {
    control.deleted = control.deleted && next <= control.truncate_before;
    control.truncate_before = std::max(control.truncate_before, before);
    std::erase_if(control.removed,
                  [&](const VersionRange& range) { return range.next <= control.truncate_before; });
}

// Unless there would be too many then.
void add_range(std::vector<VersionRange>& ranges, VersionRange range) {
    const auto first = std::lower_bound(
        ranges.begin(), ranges.end(), range.first,
        [](const VersionRange& known, Version version) { return known.next < version; });
    auto last = first;
    for (; last != ranges.end() && last->first <= range.next; ++last) {
        range.first = std::min(range.first, last->first);
        range.next = std::max(range.next, last->next);
    }
    if (first != last) {
        *first = range;
        ranges.erase(std::next(first), last);
    } else if (ranges.size() < limits::kRemovedRangesMax) {
        ranges.insert(first, range);
    }
}

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
    const auto behind =
        std::upper_bound(removed.begin(), removed.end(), version,
                         [](Version v, const VersionRange& range) { return v < range.first; });
    if (behind != removed.begin() && version < std::prev(behind)->next) {
        return false;
    }
    return !too_old(recorded_at, log_time);
}

bool StreamControl::too_old(Time recorded_at, Time log_time) const {
    return limits.max_age && recorded_at.us < log_time.us - limits.max_age->count();
}

std::string encode_control(const StreamControl& control) {
    StoredControl stored;
    stored.flags = (control.deleted ? kDeleted : 0U) | (control.tombstoned ? kTombstoned : 0U) |
                   (control.limits.max_count ? kHasMaxCount : 0U) |
                   (control.limits.max_age ? kHasMaxAge : 0U) | (control.erased ? kHasErased : 0U) |
                   (control.removed.empty() ? 0U : kHasRemoved);
    stored.truncate_before = control.truncate_before.value;
    stored.max_count = control.limits.max_count.value_or(0);
    if (control.limits.max_age) {
        stored.max_age_us = static_cast<std::uint64_t>(control.limits.max_age->count());
    }
    stored.erased = control.erased.value_or(Version{}).value;
    std::string bytes(reinterpret_cast<const char*>(&stored), sizeof stored);
    for (const VersionRange& range : control.removed) {
        const StoredRange kept{range.first.value, range.next.value};
        bytes.append(reinterpret_cast<const char*>(&kept), sizeof kept);
    }
    return bytes;
}

std::optional<StreamControl> decode_control(std::string_view data) {
    StoredControl stored;
    if (data.size() < sizeof stored) {
        return std::nullopt;
    }
    std::memcpy(&stored, data.data(), sizeof stored);
    const std::string_view behind = data.substr(sizeof stored);
    if (stored.version != 1 || ((stored.flags & kHasRemoved) != 0) == behind.empty()) {
        return std::nullopt;
    }
    StreamControl control;
    if (!behind.empty()) {
        auto removed = ranges_of(behind);
        if (!removed) {
            return std::nullopt;
        }
        control.removed = std::move(*removed);
    }
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

// What was removed stays so.
ControlChange apply_removal(StreamControl control, const Removal& removal, Version next) {
    control.erased.reset();
    truncate_to(control, std::min(removal.before, next), next);
    for (const VersionRange& range : removal.behind) {
        if (range.next > control.truncate_before) {
            add_range(control.removed, range);
        }
    }
    return {control, kRemovedType};
}

ControlChange apply_change(StreamControl control, const LifecycleChange& change, Version next) {
    control.erased.reset();
    if (const auto* truncate = std::get_if<TruncateStream>(&change)) {
        truncate_to(control, std::min(truncate->before, next), next);
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
    truncate_to(control, next, next);
    control.deleted = true;
    control.tombstoned = control.tombstoned || hard;
    return {control, hard ? kTombstonedType : kDeletedType};
}

}  // namespace skald::store
