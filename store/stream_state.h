// What a stream's newest lifecycle record says, and which of its events are therefore visible.
// Each lifecycle record carries the whole state, so only the newest counts (docs/log_format.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "skald/event_store.h"

namespace skald::store {

// Types of lifecycle records.
inline constexpr std::string_view kTruncatedType = "$truncated";
inline constexpr std::string_view kLimitsSetType = "$limits-set";
inline constexpr std::string_view kDeletedType = "$deleted";
inline constexpr std::string_view kTombstonedType = "$tombstoned";
inline constexpr std::string_view kErasedType = "$erased";
inline constexpr std::string_view kRemovedType = "$removed";
inline constexpr std::string_view kControlContentType = "application/x-skald-stream";

// Names of ours, which have no lifecycle: their control records say something else.
inline bool is_ours(std::string_view stream) {
    return stream.starts_with('$');
}

// Versions [first, next).
struct VersionRange {
    Version first;
    Version next;
    bool operator==(const VersionRange&) const = default;
};

// Events that are not needed any more: all below `before`, and some behind it, in order and apart.
struct Removal {
    Version before;
    std::vector<VersionRange> behind;  // up to limits::kRemovedRangesMax
};

struct StreamControl {
    Version truncate_before;
    StreamLimits limits;
    bool deleted = false;  // until an event comes at or after truncate_before
    bool tombstoned = false;
    std::optional<Version> erased;      // by this record: not part of the state
    std::vector<VersionRange> removed;  // behind truncate_before; of few streams

    bool operator==(const StreamControl&) const = default;
    StreamState state(Version next) const;
    // The first version that limits by number let through; by age, see alive().
    Version first_visible(Version next) const;
    bool too_old(Time recorded_at, Time log_time) const;
    // `log_time` is the newest clock at or below what the reader may see: ages are measured by the
    // log, so that every replica answers alike.
    bool alive(Version version, Time recorded_at, Version next, Time log_time) const;
};

std::string encode_control(const StreamControl& control);
// nullopt when it is none of ours.
std::optional<StreamControl> decode_control(std::string_view data);

// The state after a change, and the type of the record that says so.
struct ControlChange {
    StreamControl control;
    std::string_view type;
};
ControlChange apply_change(StreamControl control, const LifecycleChange& change, Version next);
ControlChange apply_removal(StreamControl control, const Removal& removal, Version next);

}  // namespace skald::store
