// Walks the pages of one snapshot and zeroes what no node uses; see scrubber.h.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "skald/result.h"
#include "store/lmdb/page_format.h"

namespace skald::store::lmdb {

// Zeroes the range unless it is zero; whether it was not.
Result<bool> zero_range(int fd, std::uint64_t at, std::size_t bytes);
Result<Meta> read_meta(int fd, std::size_t page_bytes, std::uint64_t page);

// A snapshot must be held by a read transaction while it is used.
class GapWalk {
  public:
    // Where to go on: a tree by name, and the last key that was done in it. Trees go by name, the
    // free list and the directory of trees first.
    struct Place {
        std::string tree;
        std::string key;
    };

    GapWalk(int fd, std::size_t page_bytes, const std::function<bool()>& enough)
        : fd_(fd), page_bytes_(page_bytes), enough_(enough) {}

    // nullopt when it came to the end. Looks at one leaf page at least.
    Result<std::optional<Place>> run(const Meta& meta, const Place& from);
    std::uint64_t zeroed() const { return zeroed_; }

  private:
    struct Tree {
        std::string name;
        StoredTree stored;
    };
    // False when it was enough.
    Result<bool> walk(const Tree& tree, std::string_view from);
    Result<bool> visit(std::uint64_t page, const StoredTree& tree, std::string_view from,
                       unsigned depth);
    Result<bool> visit_children(const PageView& view, const StoredTree& tree, std::string_view from,
                                unsigned depth);
    Result<bool> visit_leaf(const PageView& view, const StoredTree& tree, std::string_view from);
    Result<void> zero_tail(std::uint64_t page, std::size_t value_bytes);
    Result<void> zero(std::uint64_t at, std::size_t bytes);

    int fd_;
    std::size_t page_bytes_;
    const std::function<bool()>& enough_;
    std::uint64_t zeroed_ = 0;
    std::string last_key_;
    std::vector<Tree>* found_trees_ = nullptr;  // while the directory of trees is walked
};

}  // namespace skald::store::lmdb
