// Encoded bytes at an address that is a multiple of 8.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "base/bytes.h"

namespace skald::wire {

class Frame {
  public:
    explicit Frame(Bytes bytes) : words_(bytes.size() / 8 + 1), size_(bytes.size()) {
        if (!bytes.empty()) {
            std::memcpy(words_.data(), bytes.data(), bytes.size());
        }
    }
    Bytes bytes() const { return {reinterpret_cast<const std::byte*>(words_.data()), size_}; }
    void flip(std::size_t i) { reinterpret_cast<unsigned char*>(words_.data())[i] ^= 0xff; }

  private:
    std::vector<std::uint64_t> words_;
    std::size_t size_;
};

}  // namespace skald::wire
