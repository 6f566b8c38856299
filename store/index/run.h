// A live run, ready to be searched. Immutable; any thread.
//
// It keeps the addresses of its blocks, found once in a transaction. They stay right without one as
// long as the blocks are not erased: each is half a page or more, so LMDB gives it overflow
// pages of its own, which are never moved or written again while it lives, and freed pages are not
// reused inside the transaction that frees them. So whoever holds no transaction may use a run only
// while it is live, or before the commit that erases it (partition_index.h says how that is kept);
// inside a transaction that has the run in its manifest it may always be used.
//
// A block's checksum is verified when it is first used, its parts are bounds-checked at each use.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "skald/result.h"
#include "store/index/manifest.h"
#include "store/index/run_format.h"
#include "store/lmdb/env.h"

namespace skald::store::index {

// The entries of one block whose tag is that of a hash: [begin, end).
struct TagRange {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    bool empty() const { return begin == end; }
};

// The blocks in which a hash may stand: [first, last].
struct BlockRange {
    std::size_t first = 0;
    std::size_t last = 0;
};

class Run {
  public:
    // Errors: corrupt, io_error.
    static Result<std::shared_ptr<const Run>> open(const lmdb::Txn& txn, lmdb::Database runs,
                                                   const RunInfo& info);

    const RunInfo& info() const { return info_; }
    Offset low() const { return Offset(info_.low); }
    Offset high() const { return Offset(info_.high); }
    std::size_t owned_bytes() const {
        return fences_.size() * (sizeof(Block) + sizeof(std::uint64_t));
    }

    // Of a run with entries.
    BlockRange blocks_of(std::uint64_t hash) const;
    // The block's entries; verifies it when that was not done yet, or `again`.
    Result<std::uint32_t> count(std::size_t block, bool again = false) const;
    Result<TagRange> tagged(std::size_t block, std::uint64_t hash) const;
    Result<Entry> entry(std::size_t block, std::uint32_t index) const;
    // Loads into the caches what a search for the hash will need first.
    void prefetch(std::uint64_t hash) const;

    Error damaged(std::size_t block) const;

  private:
    // What a search needs of a block's header is kept here, so that it can go straight to the tags.
    struct Block {
        const std::byte* data = nullptr;
        std::uint32_t bytes = 0;
        std::atomic<std::uint32_t> count{0};  // 0 until the block was checked; then these hold:
        std::atomic<std::uint32_t> used{0};
        std::atomic<std::uint64_t> last_hash{0};
    };
    explicit Run(const RunInfo& info) : info_(info) {}
    Result<void> find_blocks(const lmdb::Txn& txn, lmdb::Database runs);
    Result<void> read_fences(Bytes block, std::uint64_t number);
    Result<void> check(std::size_t block) const;
    std::size_t lower_fence(std::uint64_t hash) const;

    RunInfo info_;
    std::unique_ptr<Block[]> blocks_;    // of entries
    std::vector<std::uint64_t> fences_;  // the first hash of each
};

// Walks the entries of one term in a run. Must not outlive the run.
class RunCursor {
  public:
    RunCursor(const Run& run, const Target& target) : run_(run), target_(target) {}

    enum class Axis : std::uint8_t { offset, version };
    // To the last entry that begins at or below `at`, or else to the first. False when the term has
    // no entry here.
    Result<bool> seek(Axis axis, std::uint64_t at);
    // After a successful seek; false when the term ends.
    Result<bool> next();
    Result<bool> previous();
    const Entry& entry() const { return entry_; }

  private:
    struct Bound {
        Axis axis;
        std::uint64_t at;
    };
    Result<bool> load(std::size_t block, std::uint32_t index);
    Result<bool> at_or_below(std::size_t block, std::uint32_t index, const Bound& bound) const;
    Result<std::size_t> last_block(const BlockRange& blocks, const Bound& bound) const;
    Result<std::uint32_t> first_above(std::size_t block, TagRange range, const Bound& bound) const;

    const Run& run_;
    Target target_;
    std::size_t block_ = 0;
    std::uint32_t index_ = 0;
    Entry entry_;
};

}  // namespace skald::store::index
