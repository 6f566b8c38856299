// How a run lies in `p<N>.runs`. Little endian throughout; u64 keys: run << 24 | number of the
// block.
//
// A run's blocks are numbered from 0: first those of entries, sorted by (hash of kind and key,
// kind, key, first offset), then those of fences. Each is
//
//   header (40)  u32 crc32c of all that follows, u16 version 1, u16 what: 1 entries, 2 fences,
//                u32 bytes without the padding, u32 count, u64 hash of the first entry, u64 hash of
//                the last one, u64 the block's own key
//   of entries:  u16 tag of each entry, u16 place of each (from the block's start), the entries
//   of fences:   u64 hash of the first entry of each block of entries
//   padding      zeros, so that LMDB gives the block pages of its own
//
// A tag is (hash - first) >> shift with the smallest shift that leaves 16 bits. Hashes being
// uniform, a tag's place among its like can be guessed to within a cache line or two, and a tag
// that is not there says in most cases that neither is the term: directory and filter in 4 bytes.
//
// An entry is: u8 kind | 8 when it has one posting only, u8 bytes of key, key, varint first offset
// - low end of the run, varint first version (streams only), and unless single: varint count,
// varint last offset - first, tokens (posting_codec.h). A term with more than kEntryPostingsMax
// postings has several entries. Versions rise by 1 from posting to posting.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/limits.h"
#include "store/index/term.h"

namespace skald::store::index {

inline constexpr std::uint16_t kRunVersion = 1;
inline constexpr std::size_t kBlockHeadBytes = 40;
// With the 16 bytes of LMDB's page header exactly 64 KiB.
inline constexpr std::size_t kBlockBytesMax = 64 * limits::kKiB - 16;
inline constexpr std::uint32_t kEntryPostingsMax = 1024;
inline constexpr std::size_t kEntryTokenBytesMax = 8 * limits::kKiB;
inline constexpr unsigned kBlockNumberBits = 24;
inline constexpr std::uint64_t kBlocksMax = std::uint64_t{1} << kBlockNumberBits;

constexpr std::uint64_t block_key(std::uint64_t run, std::uint64_t number) {
    return run << kBlockNumberBits | number;
}
constexpr std::uint64_t run_of(std::uint64_t key) {
    return key >> kBlockNumberBits;
}

enum class BlockKind : std::uint16_t { entries = 1, fences = 2 };

struct BlockHead {
    std::uint32_t crc = 0;
    std::uint16_t version = kRunVersion;
    BlockKind kind = BlockKind::entries;
    std::uint32_t bytes = 0;
    std::uint32_t count = 0;
    std::uint64_t first_hash = 0;
    std::uint64_t last_hash = 0;
    std::uint64_t key = 0;
};
static_assert(sizeof(BlockHead) == kBlockHeadBytes);

// The header, when the block is whole, right and the one asked for; else nullopt.
std::optional<BlockHead> check_block(Bytes block, BlockKind kind, std::uint64_t key);
// Fills in crc, and pads to bytes_min.
void seal_block(std::string& block, BlockHead head, std::size_t bytes_min);

// By how much a hash's distance from the first is shifted to be its tag.
inline unsigned tag_shift(std::uint64_t first_hash, std::uint64_t last_hash) {
    const auto bits = static_cast<unsigned>(std::bit_width(last_hash - first_hash));
    return bits > 16 ? bits - 16 : 0;
}

struct Entry {
    EntryKind kind = EntryKind::stream;
    std::string_view key;
    std::uint64_t first = 0;    // offset
    std::uint64_t last = 0;     // offset
    std::uint64_t version = 0;  // of the first posting; of streams
    std::uint32_t count = 0;
    std::string_view tokens;

    bool is_of(EntryKind k, std::string_view other) const { return kind == k && key == other; }
    bool is_of(const Target& target) const { return is_of(target.kind, target.key); }
};

// `low`: of the run.
void append_entry(std::string& out, const Entry& entry, std::uint64_t low);
// nullopt when it is damaged. The entry points into `text`.
std::optional<Entry> parse_entry(std::string_view text, std::uint64_t low);

}  // namespace skald::store::index
