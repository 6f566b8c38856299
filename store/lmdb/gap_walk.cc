#include "store/lmdb/gap_walk.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "store/lmdb/errors.h"

namespace skald::store::lmdb {
namespace {

constexpr std::size_t kChunk = 16384;
constexpr unsigned kDepthMax = 32;  // LMDB's own bound

Error damaged(std::uint64_t page) {
    return {Errc::corrupt, fmt::format("page {} of the data file is damaged", page)};
}

Result<void> read_at(int fd, std::uint64_t at, std::span<std::byte> out) {
    const ssize_t n = pread(fd, out.data(), out.size(), static_cast<off_t>(at));
    if (n != static_cast<ssize_t>(out.size())) {
        return error_of(n < 0 ? errno : EIO, "cannot read the data file");
    }
    return {};
}

std::string_view key_of(Bytes node) {
    const auto header = load_as<Node>(node.data());
    if (sizeof header + header.key_bytes > node.size()) {
        return {};
    }
    return as_text(node.subspan(sizeof header, header.key_bytes));
}

bool at_or_below(std::string_view a, std::string_view b, const StoredTree& tree) {
    if ((tree.flags & kIntegerKeys) != 0 && a.size() == 8 && b.size() == 8) {
        return load_le<std::uint64_t>(a.data()) <= load_le<std::uint64_t>(b.data());
    }
    return a <= b;
}

}  // namespace

Result<bool> zero_range(int fd, std::uint64_t at, std::size_t bytes) {
    static constexpr std::array<std::byte, kChunk> kZeros{};
    std::array<std::byte, kChunk> found;
    bool wrote = false;
    while (bytes > 0) {
        const std::size_t n = std::min(bytes, kChunk);
        if (auto ok = read_at(fd, at, std::span(found).first(n)); !ok) {
            return ok.error();
        }
        if (std::memcmp(found.data(), kZeros.data(), n) != 0) {
            if (pwrite(fd, kZeros.data(), n, static_cast<off_t>(at)) != static_cast<ssize_t>(n)) {
                return error_of(errno, "cannot overwrite erased bytes");
            }
            wrote = true;
        }
        at += n;
        bytes -= n;
    }
    return wrote;
}

Result<Meta> read_meta(int fd, std::size_t page_bytes, std::uint64_t page) {
    std::array<std::byte, sizeof(Meta)> bytes;
    if (auto ok = read_at(fd, page * page_bytes + sizeof(PageHeader), bytes); !ok) {
        return ok.error();
    }
    return load_as<Meta>(bytes.data());
}

Result<std::optional<GapWalk::Place>> GapWalk::run(const Meta& meta, const Place& from) {
    std::vector<Tree> trees{{{}, meta.free}};
    found_trees_ = &trees;
    // The directory of trees is walked by every slice: it says where the others are.
    auto whole = walk({{}, meta.main}, {});
    found_trees_ = nullptr;
    if (!whole) {
        return whole.error();
    }
    for (const Tree& tree : trees) {
        if (tree.name < from.tree) {
            continue;
        }
        whole = walk(tree, tree.name == from.tree ? std::string_view(from.key) : "");
        if (!whole) {
            return whole.error();
        }
        if (!*whole) {
            return std::optional(Place{tree.name, last_key_});
        }
    }
    return std::optional<Place>();
}

Result<bool> GapWalk::walk(const Tree& tree, std::string_view from) {
    return tree.stored.root == kNoPage ? Result<bool>(true)
                                       : visit(tree.stored.root, tree.stored, from, 0);
}

Result<bool> GapWalk::visit(std::uint64_t page, const StoredTree& tree, std::string_view from,
                            unsigned depth) {
    std::vector<std::byte> bytes(page_bytes_);
    if (auto ok = read_at(fd_, page * page_bytes_, bytes); !ok) {
        return ok.error();
    }
    const PageView view(bytes, page);
    if (!view.sound() || depth > kDepthMax) {
        return damaged(page);
    }
    if (auto ok = zero(page * page_bytes_ + view.gap_begin(), view.gap_end() - view.gap_begin());
        !ok) {
        return ok.error();
    }
    return view.branch() ? visit_children(view, tree, from, depth) : visit_leaf(view, tree, from);
}

Result<bool> GapWalk::visit_children(const PageView& view, const StoredTree& tree,
                                     std::string_view from, unsigned depth) {
    for (std::size_t i = 0; i < view.size(); ++i) {
        const Bytes node = view.node_bytes(i);
        const Bytes after = i + 1 < view.size() ? view.node_bytes(i + 1) : Bytes{};
        if (node.empty() || (i + 1 < view.size() && after.empty())) {
            return damaged(kNoPage);
        }
        if (!from.empty() && !after.empty() && at_or_below(key_of(after), from, tree)) {
            continue;
        }
        auto whole = visit(load_as<Node>(node.data()).child(), tree, from, depth + 1);
        if (!whole || !*whole) {
            return whole;
        }
    }
    return true;
}

Result<bool> GapWalk::visit_leaf(const PageView& view, const StoredTree& tree,
                                 std::string_view from) {
    std::string_view last;
    for (std::size_t i = 0; i < view.size(); ++i) {
        const Bytes bytes = view.node_bytes(i);
        const Node node = bytes.empty() ? Node{} : load_as<Node>(bytes.data());
        const std::size_t value_at = sizeof node + node.key_bytes;
        const bool big = (node.flags & kBigNode) != 0;
        const bool is_tree = (node.flags & kTreeNode) != 0;
        const std::size_t stored = big ? sizeof(std::uint64_t) : node.value_bytes();
        if (bytes.empty() || value_at + stored > bytes.size() ||
            (is_tree && stored != sizeof(StoredTree))) {
            return damaged(kNoPage);
        }
        last = key_of(bytes);
        if (is_tree && found_trees_ != nullptr) {
            found_trees_->push_back(
                {std::string(last), load_as<StoredTree>(bytes.data() + value_at)});
        }
        if (big && (from.empty() || !at_or_below(last, from, tree))) {
            const auto page = load_le<std::uint64_t>(bytes.data() + value_at);
            if (auto ok = zero_tail(page, node.value_bytes()); !ok) {
                return ok.error();
            }
        }
    }
    const bool fresh = from.empty() || !at_or_below(last, from, tree);
    if (found_trees_ == nullptr && fresh && enough_()) {
        last_key_ = last;
        return false;
    }
    return true;
}

Result<void> GapWalk::zero_tail(std::uint64_t page, std::size_t value_bytes) {
    std::array<std::byte, sizeof(PageHeader)> bytes;
    if (auto ok = read_at(fd_, page * page_bytes_, bytes); !ok) {
        return ok;
    }
    const auto header = load_as<PageHeader>(bytes.data());
    const std::size_t room = header.overflow_pages() * page_bytes_;
    const std::size_t used = sizeof header + value_bytes;
    if (header.page != page || (header.flags & kPageKindMask) != kOverflowPage || used > room) {
        return damaged(page);
    }
    return zero(page * page_bytes_ + used, room - used);
}

Result<void> GapWalk::zero(std::uint64_t at, std::size_t bytes) {
    auto written = zero_range(fd_, at, bytes);
    if (!written) {
        return written.error();
    }
    zeroed_ += *written ? 1 : 0;
    return {};
}

}  // namespace skald::store::lmdb
