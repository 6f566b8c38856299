// The states a search has seen, as byte strings, in the order they were found. The set is exact: no
// state is taken for another. A state costs its bytes and about 17 more.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace skald::model {

// A packed state, at most 255 bytes.
class Bytes {
  public:
    void push(std::uint8_t byte) {
        bytes_[size_] = static_cast<char>(byte);
        ++size_;
    }
    [[nodiscard]] std::string_view view() const { return {bytes_.data(), size_}; }

  private:
    std::array<char, 255> bytes_;
    std::size_t size_ = 0;
};

class Visited {
  public:
    static constexpr std::uint32_t kNone = UINT32_MAX;

    Visited() : slots_(1024, kNone) {}

    // Returns whether the state is new. `parent`: index of the state it was reached from, or kNone.
    bool insert(const Bytes& state, std::uint32_t parent) {
        const std::string_view bytes = state.view();
        std::size_t slot = hash(bytes) & (slots_.size() - 1);
        while (slots_[slot] != kNone) {
            if (at(slots_[slot]) == bytes) {
                return false;
            }
            slot = (slot + 1) & (slots_.size() - 1);
        }
        slots_[slot] = static_cast<std::uint32_t>(places_.size());
        places_.push_back(store(bytes));
        parents_.push_back(parent);
        if (places_.size() * 4 > slots_.size() * 3) {
            grow();
        }
        return true;
    }

    [[nodiscard]] std::uint64_t size() const { return places_.size(); }
    [[nodiscard]] std::uint32_t parent(std::uint32_t index) const { return parents_[index]; }
    // What it holds of memory.
    [[nodiscard]] std::uint64_t bytes() const {
        return blocks_.size() * kBlock + slots_.size() * 4 + places_.capacity() * 4 +
               parents_.capacity() * 4;
    }
    // Valid as long as this object.
    [[nodiscard]] std::string_view at(std::uint32_t index) const {
        const std::uint32_t place = places_[index];
        const char* start = blocks_[place / kBlock].get() + place % kBlock;
        return {start + 1, static_cast<unsigned char>(*start)};
    }

  private:
    static constexpr std::size_t kBlock = 1 << 20;

    static std::uint64_t hash(std::string_view bytes) {
        std::uint64_t sum = 0x9E3779B97F4A7C15U ^ bytes.size();
        for (std::size_t i = 0; i < bytes.size(); i += 8) {
            std::uint64_t word = 0;
            std::memcpy(&word, bytes.data() + i, std::min<std::size_t>(8, bytes.size() - i));
            sum = (sum ^ word) * 0xD6E8FEB86659FD93U;
            sum ^= sum >> 32U;
        }
        return sum;
    }

    // A place is the number of a byte over all blocks: 4 GiB in all.
    std::uint32_t store(std::string_view bytes) {
        if (blocks_.empty() || used_ + 1 + bytes.size() > kBlock) {
            blocks_.push_back(std::make_unique<char[]>(kBlock));
            used_ = 0;
        }
        char* start = blocks_.back().get() + used_;
        *start = static_cast<char>(bytes.size());
        std::memcpy(start + 1, bytes.data(), bytes.size());
        const std::size_t place = (blocks_.size() - 1) * kBlock + used_;
        used_ += 1 + bytes.size();
        return static_cast<std::uint32_t>(place);
    }

    void grow() {
        std::vector<std::uint32_t> wider(slots_.size() * 2, kNone);
        for (std::uint32_t i = 0; i < places_.size(); ++i) {
            std::size_t slot = hash(at(i)) & (wider.size() - 1);
            while (wider[slot] != kNone) {
                slot = (slot + 1) & (wider.size() - 1);
            }
            wider[slot] = i;
        }
        slots_ = std::move(wider);
    }

    std::vector<std::unique_ptr<char[]>> blocks_;
    std::size_t used_ = 0;
    std::vector<std::uint32_t> places_;
    std::vector<std::uint32_t> parents_;
    std::vector<std::uint32_t> slots_;
};

}  // namespace skald::model
