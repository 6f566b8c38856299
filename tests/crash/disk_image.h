// What may be on a disk after its power was cut while a journal was written.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>

#include "tests/crash/journal.h"

namespace skald::crash {

// Names and writes that a sync made durable before the cut are all there. Of the others each may be
// there whole, in part (512 bytes are the smallest part) or not at all, later ones without earlier
// ones. Names are there in the order they were made, up to some point.
class ImageBuilder {
  public:
    // `base` is a directory of its own; it keeps what is durable, so that an image costs only a
    // copy of it.
    ImageBuilder(const Journal& journal, std::string base);

    // Makes the directory `out` as it may look after a cut behind the count `cut`. Cuts must not
    // fall.
    void build(std::uint64_t cut, std::mt19937_64& dice, const std::string& out);

  private:
    enum class Mood : std::uint8_t { none, all, some, sectors, newest, oldest_lost };
    struct Range {
        std::uint64_t begin;
        std::uint64_t end;
    };
    struct Entry {
        bool directory = false;
        std::uint32_t file = 0;
    };
    using Names = std::map<std::string, Entry>;

    void advance(std::uint64_t cut);
    Names names_at(std::uint64_t cut, std::mt19937_64& dice) const;
    void write_tail(std::uint64_t cut, Mood mood, std::mt19937_64& dice, std::uint32_t file,
                    int fd) const;
    static void apply(const Op& op, Range range, int fd);
    static void apply_sectors(const Op& op, std::mt19937_64& dice, int fd);
    std::string base_of(std::uint32_t file) const;

    const Journal& journal_;
    std::string base_;
    std::size_t settled_ = 0;  // ops below it that write are in the base, whole
};

}  // namespace skald::crash
