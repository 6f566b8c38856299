// Which rows and which values of unique indexes a lane read and changed, as hashes: two that
// collide only look like one.
//
// Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace skald::cqrs {

class Touched {
  public:
    // `tree` 0: the rows; from 1: the unique indexes.
    void read(std::size_t tree, std::uint64_t hash) { read_.push_back(mixed(tree, hash)); }
    void changed(std::size_t tree, std::uint64_t hash) { changed_.push_back(mixed(tree, hash)); }

    std::size_t bytes() const { return (read_.size() + changed_.size()) * sizeof(std::uint64_t); }
    // Before the two are compared.
    void sort();
    // Whether one changed what the other read or changed.
    bool collides(const Touched& other) const;
    void clear();

  private:
    static std::uint64_t mixed(std::size_t tree, std::uint64_t hash) {
        return hash + tree * 0x9e3779b97f4a7c15ULL;
    }

    std::vector<std::uint64_t> read_;
    std::vector<std::uint64_t> changed_;
};

}  // namespace skald::cqrs
