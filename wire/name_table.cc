#include "wire/name_table.h"

#include <algorithm>

#include "wire/batch.h"

namespace skald::wire {
namespace {

constexpr std::size_t kSlotsAtFirst = 256;
// Above this many slots it is cheaper to empty those in use than all of them.
constexpr std::size_t kSlotsPerNameToSweep = 16;

}  // namespace

NameTable::NameTable() : slots_(kSlotsAtFirst, kNone16) {}

std::uint16_t NameTable::number(std::string_view name) {
    const std::uint64_t hash = name_hash(name);
    std::size_t slot = slot_of(hash);
    for (; slots_[slot] != kNone16; slot = slot_of(slot + 1)) {
        if (names_[slots_[slot]].hash == hash && is(slots_[slot], name)) {
            return slots_[slot];
        }
    }
    const auto number = static_cast<std::uint16_t>(names_.size());
    slots_[slot] = number;
    names_.push_back({hash, 0, static_cast<std::uint32_t>(text_.size()),
                      static_cast<std::uint16_t>(name.size()), false});
    text_ += name;
    if (names_.size() * 2 > slots_.size()) {
        grow();
    }
    return number;
}

void NameTable::grow() {
    slots_.assign(slots_.size() * 2, kNone16);
    for (std::size_t i = 0; i < names_.size(); ++i) {
        std::size_t slot = slot_of(names_[i].hash);
        while (slots_[slot] != kNone16) {
            slot = slot_of(slot + 1);
        }
        slots_[slot] = static_cast<std::uint16_t>(i);
    }
}

void NameTable::clear() {
    if (names_.size() * kSlotsPerNameToSweep > slots_.size()) {
        std::fill(slots_.begin(), slots_.end(), kNone16);
    } else {
        // From each name's own slot on: a run of used slots holds what was pushed along.
        for (const Name& name : names_) {
            for (std::size_t slot = slot_of(name.hash); slots_[slot] != kNone16;
                 slot = slot_of(slot + 1)) {
                slots_[slot] = kNone16;
            }
        }
    }
    names_.clear();
    text_.clear();
}

}  // namespace skald::wire
