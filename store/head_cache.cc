#include "store/head_cache.h"

#define XXH_INLINE_ALL

#include <xxhash.h>

#include <algorithm>
#include <bit>

#include "base/limits.h"

namespace skald::store {
namespace {

constexpr std::size_t kSetsMin = 1024;
constexpr std::size_t kGrowth = 4;
constexpr unsigned kVersionBits = 40;
constexpr std::uint64_t kVersionMask = (std::uint64_t{1} << kVersionBits) - 1;

}  // namespace

HeadCache::HeadCache(std::uint64_t seed) : seed_(seed) {
    resize(kSetsMin);
}

void HeadCache::resize(std::size_t sets) {
    sets_.clear();
    sets_.resize(sets);
    shift_ = 64U - static_cast<unsigned>(std::bit_width(sets) - 1);
    pushed_out_ = 0;
    owned_bytes_.store(sets * sizeof(Set), std::memory_order_relaxed);
}

HeadCache::Key HeadCache::key(std::string_view stream) const {
    const XXH128_hash_t hash = XXH3_128bits_withSeed(stream.data(), stream.size(), seed_);
    return {hash.low64, hash.high64};
}

std::size_t HeadCache::place_of(const Key& key) const {
    const auto& slots = set_of(key).slots;
    std::size_t i = 0;
    for (; i < slots.size(); ++i) {
        const std::uint64_t rest = slots[i].rest;
        if (slots[i].tag == key.low && rest != 0 &&
            ((rest >> kVersionBits) ^ key.high) << kVersionBits == 0) {
            break;
        }
    }
    return i;
}

std::optional<Version> HeadCache::find(const Key& key) const {
    const auto& slots = set_of(key).slots;
    const std::size_t i = place_of(key);
    return i < slots.size() ? std::optional(Version{slots[i].rest & kVersionMask}) : std::nullopt;
}

void HeadCache::put(const Key& key, Version next) {
    if (next.value > kVersionMask) {
        forget(key);
        return;
    }
    std::size_t i = place_of(key);
    auto& slots = sets_[key.high >> shift_].slots;
    if (i == slots.size()) {
        --i;
        if (slots[i].rest != 0 && ++pushed_out_ > sets_.size() * slots.size() &&
            sets_.size() * sizeof(Set) < limits::kHeadCacheBytesMax) {
            resize(sets_.size() * kGrowth);
            put(key, next);
            return;
        }
    }
    std::copy_backward(slots.begin(), slots.begin() + i, slots.begin() + i + 1);
    slots[0] = {key.low, key.high << kVersionBits | next.value};
}

void HeadCache::forget(const Key& key) {
    const std::size_t i = place_of(key);
    auto& slots = sets_[key.high >> shift_].slots;
    if (i < slots.size()) {
        std::copy(slots.begin() + i + 1, slots.end(), slots.begin() + i);
        slots.back() = {};
    }
}

}  // namespace skald::store
