// LMDB's pages on disk, as far as the scrubber reads them: data version 1 on a 64-bit machine.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace skald::store::lmdb {

inline constexpr std::uint32_t kMetaMagic = 0xBEEFC0DE;
inline constexpr std::uint32_t kDataVersion = 1;
inline constexpr std::uint64_t kNoPage = ~std::uint64_t{0};
inline constexpr std::uint16_t kIntegerKeys = 0x08;  // in StoredTree::flags

enum PageFlags : std::uint16_t { kBranchPage = 1, kLeafPage = 2, kOverflowPage = 4 };
inline constexpr std::uint16_t kPageKindMask = 0x6f;
enum NodeFlags : std::uint16_t { kBigNode = 1, kTreeNode = 2 };

struct PageHeader {
    std::uint64_t page = 0;
    std::uint16_t pad = 0;
    std::uint16_t flags = 0;
    std::uint16_t lower = 0;  // of an overflow page: with `upper`, how many pages
    std::uint16_t upper = 0;

    std::uint32_t overflow_pages() const { return lower | std::uint32_t{upper} << 16; }
};
static_assert(sizeof(PageHeader) == 16);

struct StoredTree {
    std::uint32_t pad = 0;
    std::uint16_t flags = 0;
    std::uint16_t depth = 0;
    std::uint64_t branch_pages = 0;
    std::uint64_t leaf_pages = 0;
    std::uint64_t overflow_pages = 0;
    std::uint64_t entries = 0;
    std::uint64_t root = kNoPage;
};
static_assert(sizeof(StoredTree) == 48);

struct Meta {
    std::uint32_t magic = 0;
    std::uint32_t version = 0;
    std::uint64_t address = 0;
    std::uint64_t map_bytes = 0;
    StoredTree free;
    StoredTree main;
    std::uint64_t last_page = 0;
    std::uint64_t txn = 0;
};
static_assert(sizeof(Meta) == 136);

struct Node {
    std::uint16_t low = 0;
    std::uint16_t high = 0;
    std::uint16_t flags = 0;
    std::uint16_t key_bytes = 0;

    std::uint64_t child() const {
        return low | std::uint64_t{high} << 16 | std::uint64_t{flags} << 32;
    }
    std::size_t value_bytes() const { return low | std::size_t{high} << 16; }
};
static_assert(sizeof(Node) == 8);

// A branch or leaf page in memory. All places are checked before they are used.
class PageView {
  public:
    // The page must be whole and of a known kind: sound() says so.
    PageView(Bytes page, std::uint64_t number)
        : page_(page), number_(number), header_(load_as<PageHeader>(page.data())) {}

    bool sound() const {
        const std::uint16_t kind = header_.flags & kPageKindMask;
        return header_.page == number_ && (kind == kBranchPage || kind == kLeafPage) &&
               header_.lower >= sizeof(PageHeader) && header_.lower % 2 == 0 &&
               header_.lower <= header_.upper && header_.upper <= page_.size();
    }
    bool branch() const { return (header_.flags & kBranchPage) != 0; }
    std::size_t size() const { return (header_.lower - sizeof(PageHeader)) / 2U; }
    std::size_t gap_begin() const { return header_.lower; }
    std::size_t gap_end() const { return header_.upper; }

    // Empty when the node does not lie in the page.
    Bytes node_bytes(std::size_t i) const {
        const auto at = load_as<std::uint16_t>(page_.data() + sizeof(PageHeader) + 2 * i);
        if (at < header_.upper || at + sizeof(Node) > page_.size()) {
            return {};
        }
        return page_.subspan(at);
    }

  private:
    Bytes page_;
    std::uint64_t number_;
    PageHeader header_;
};

}  // namespace skald::store::lmdb
