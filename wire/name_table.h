// Names numbered in the order they first come, by hash: streams, types and fences of a batch.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace skald::wire {

// Allocates only to grow; clear() keeps the memory. At most 65,535 names.
class NameTable {
  public:
    struct Name {
        std::uint64_t hash = 0;  // name_hash()
        std::uint64_t first_version = 0;
        std::uint32_t place = 0;  // in text()
        std::uint16_t bytes = 0;
        bool versioned = false;  // first_version is set
    };

    NameTable();
    std::uint16_t number(std::string_view name);
    // Whether the numbered name is this one.
    bool is(std::uint16_t number, std::string_view name) const { return name == text_of(number); }
    std::string_view text_of(std::uint16_t number) const {
        return std::string_view(text_).substr(names_[number].place, names_[number].bytes);
    }

    Name& operator[](std::uint16_t number) { return names_[number]; }
    const Name& operator[](std::uint16_t number) const { return names_[number]; }
    std::size_t size() const { return names_.size(); }
    const std::string& text() const { return text_; }
    void clear();

  private:
    std::size_t slot_of(std::uint64_t hash) const { return hash & (slots_.size() - 1); }
    void grow();

    std::vector<Name> names_;
    std::vector<std::uint16_t> slots_;  // open addressing: number, or kNone16
    std::string text_;
};

}  // namespace skald::wire
