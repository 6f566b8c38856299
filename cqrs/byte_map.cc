#include "cqrs/byte_map.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace skald::cqrs {
namespace {

constexpr std::size_t kBlockBytes = 256 * 1024;
// After a batch of unusual size only so much is kept for the next.
constexpr std::size_t kBlocksKept = 128;
constexpr std::size_t kPlacesMin = 1024;  // a power of two, as all sizes of the table
constexpr std::uint32_t kFree = 0xffffffff;

}  // namespace

std::uint64_t ByteMap::hash_of(std::string_view key) {
    return XXH3_64bits(key.data(), key.size());
}

char* ByteArena::room(std::size_t bytes) {
    while (block_ < blocks_.size() && blocks_[block_].size - used_ < bytes) {
        ++block_;
        used_ = 0;
    }
    if (block_ == blocks_.size()) {
        const std::size_t size = std::max(bytes, kBlockBytes);
        blocks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
        used_ = 0;
    }
    char* const at = blocks_[block_].memory.get() + used_;
    used_ += bytes;
    bytes_ += bytes;
    return at;
}

std::string_view ByteArena::store(std::string_view first, std::string_view second) {
    const std::size_t bytes = first.size() + second.size();
    char* const at = room(bytes);
    if (!first.empty()) {
        std::memcpy(at, first.data(), first.size());
    }
    if (!second.empty()) {
        std::memcpy(at + first.size(), second.data(), second.size());
    }
    return {at, bytes};
}

void ByteArena::clear() {
    blocks_.resize(std::min(blocks_.size(), kBlocksKept));
    block_ = 0;
    used_ = 0;
    bytes_ = 0;
}

const std::uint32_t& ByteMap::place_of(std::string_view key, std::uint64_t hash) const {
    const std::size_t mask = places_.size() - 1;
    std::size_t at = hash & mask;
    while (places_[at] != kFree &&
           (slots_[places_[at]].hash != hash || slots_[places_[at]].key != key)) {
        at = (at + 1) & mask;
    }
    return places_[at];
}

std::uint32_t& ByteMap::place_of(std::string_view key, std::uint64_t hash) {
    return const_cast<std::uint32_t&>(std::as_const(*this).place_of(key, hash));
}

const ByteMap::Slot* ByteMap::find(std::string_view key) const {
    if (slots_.empty()) {
        return nullptr;
    }
    const std::uint32_t place = place_of(key, hash_of(key));
    const bool known = place != kFree && slots_[place].state != State::unknown;
    return known ? &slots_[place] : nullptr;
}

void ByteMap::grow() {
    places_.assign(std::max(kPlacesMin, places_.size() * 2), kFree);
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
        place_of(slots_[i].key, slots_[i].hash) = i;
    }
}

void ByteMap::set(std::string_view key, std::string_view value, State state) {
    if ((slots_.size() + 1) * 2 > places_.size()) {
        grow();
    }
    const std::uint64_t hash = hash_of(key);
    std::uint32_t& place = place_of(key, hash);
    if (place == kFree) {
        place = static_cast<std::uint32_t>(slots_.size());
        slots_.push_back({arena_.store(key), {}, hash, State::unknown});
    }
    Slot& slot = slots_[place];
    undo_.push_back({place, slot.value, slot.state});
    changed_ += slot.state == State::unknown ? 1 : 0;
    slot.value = value;
    slot.state = state;
}

void ByteMap::undo() {
    for (auto before = undo_.rbegin(); before != undo_.rend(); ++before) {
        Slot& slot = slots_[before->slot];
        slot.value = before->value;
        slot.state = before->state;
        changed_ -= slot.state == State::unknown ? 1 : 0;
    }
    undo_.clear();
}

std::vector<const ByteMap::Slot*> ByteMap::sorted() const {
    std::vector<const Slot*> sorted;
    sorted.reserve(changed_);
    for (const Slot& slot : slots_) {
        if (slot.state != State::unknown) {
            sorted.push_back(&slot);
        }
    }
    const auto by_key = [](const Slot* a, const Slot* b) { return a->key < b->key; };
    if (!std::is_sorted(sorted.begin(), sorted.end(), by_key)) {
        std::sort(sorted.begin(), sorted.end(), by_key);
    }
    return sorted;
}

void ByteMap::clear() {
    slots_.clear();
    undo_.clear();
    changed_ = 0;
    std::fill(places_.begin(), places_.end(), kFree);
}

}  // namespace skald::cqrs
