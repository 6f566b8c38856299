#include "store/recent_ids.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace skald::store {
namespace {

constexpr std::size_t kSlotsMin = 1024;
constexpr std::uint8_t kInLine = 7;

}  // namespace

RecentIds::RecentIds(std::size_t capacity)
    : generation_max_(std::max<std::size_t>(capacity / 2, kSlotsMin)) {}

// Ids that count up share a line of the processor's cache by eights: its low bits are the id's own.
std::uint32_t RecentIds::tag_of(const Uuid& id) {
    Uuid line = id;
    line.bytes[15] &= static_cast<std::uint8_t>(~kInLine);
    std::uint64_t h = std::hash<Uuid>{}(line);
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93ULL;
    return (static_cast<std::uint32_t>(h >> 32) & ~std::uint32_t{kInLine}) |
           (id.bytes[15] & kInLine);
}

void RecentIds::Generation::place(std::uint64_t slot) {
    const std::size_t mask = slots.size() - 1;
    const std::size_t home = (slot >> 32) & mask;
    const std::size_t probes = std::min(kProbesMax, slots.size());
    for (std::size_t probe = 0; probe < probes; ++probe) {
        std::uint64_t& place = slots[(home + probe) & mask];
        if (place == 0) {
            place = slot;
            ++used;
            return;
        }
    }
    slots[home] = slot;
}

void RecentIds::grow() {
    Generation larger;
    larger.base = newer_.base;
    larger.begun = newer_.begun;
    larger.slots.resize(newer_.slots.size() * 2);
    for (const std::uint64_t slot : newer_.slots) {
        if (slot != 0) {
            larger.place(slot);
        }
    }
    newer_ = std::move(larger);
    count_bytes();
}

void RecentIds::begin_generation(Offset base, Time now) {
    older_ = std::move(newer_);
    newer_ = Generation{};
    newer_.slots.resize(kSlotsMin);
    newer_.base = base;
    newer_.begun = now;
    count_bytes();
}

void RecentIds::add(const Uuid& id, Offset offset, Time now) {
    const auto age_max = std::chrono::microseconds(limits::kRecentIdsAge).count();
    const bool old = newer_.used > 0 && now.us - newer_.begun.us > age_max;
    if (newer_.used >= generation_max_ || old || newer_.slots.empty()) {
        begin_generation(offset, now);
    }
    if (newer_.used * 2 >= newer_.slots.size()) {
        grow();
    }
    // Where the ids behind this one's line will go: a source of ids counts up.
    if (((id.bytes[15] + 1) & kInLine) == 0) {
        Uuid next = id;
        next.bytes[15] = static_cast<std::uint8_t>(next.bytes[15] + 1);
        __builtin_prefetch(&newer_.slots[tag_of(next) & (newer_.slots.size() - 1)], 1);
    }
    const std::uint64_t relative = (offset - newer_.base) + 1;
    newer_.place(std::uint64_t{tag_of(id)} << 32 | (relative & kLow32));
}

void RecentIds::count_bytes() {
    owned_bytes_ = (newer_.slots.size() + older_.slots.size()) * sizeof(std::uint64_t);
}

}  // namespace skald::store
