#include "store/index/run.h"

#include <fmt/format.h>

#include <cstring>

#include "store/index/near.h"

namespace skald::store::index {
namespace {

constexpr std::size_t kFenceStep = 4;
constexpr std::size_t kTagStep = 16;  // half a cache line

// Where among n uniform values up to `max` one would stand.
std::size_t guess_of(std::uint64_t value, std::uint64_t max, std::size_t n) {
    return static_cast<std::size_t>(static_cast<double>(value) / (static_cast<double>(max) + 1.0) *
                                    static_cast<double>(n));
}

std::size_t among_hashes(std::uint64_t hash, std::size_t n) {
    return static_cast<std::size_t>(((hash >> 32) * n) >> 32);
}

std::uint16_t u16_at(const std::byte* table, std::size_t index) {
    return load_le<std::uint16_t>(table + index * sizeof(std::uint16_t));
}

// How the tags of a block are made from its hashes.
struct Tags {
    Tags(std::uint64_t first_hash, std::uint64_t last_hash)
        : first(first_hash),
          shift(tag_shift(first_hash, last_hash)),
          last((last_hash - first_hash) >> shift) {}
    std::uint64_t of(std::uint64_t hash) const { return (hash - first) >> shift; }
    std::uint64_t first;
    unsigned shift;
    std::uint64_t last;  // the last hash's
};

}  // namespace

Result<std::shared_ptr<const Run>> Run::open(const lmdb::Txn& txn, lmdb::Database runs,
                                             const RunInfo& info) {
    std::shared_ptr<Run> run(new Run(info));
    if (auto found = run->find_blocks(txn, runs); !found) {
        return found.error();
    }
    return std::shared_ptr<const Run>(std::move(run));
}

Result<void> Run::find_blocks(const lmdb::Txn& txn, lmdb::Database runs) {
    auto cursor = lmdb::Cursor::open(txn, runs);
    if (!cursor) {
        return cursor.error();
    }
    blocks_ = std::make_unique<Block[]>(info_.entry_blocks);
    const std::uint64_t blocks = std::uint64_t{info_.entry_blocks} + info_.fence_blocks;
    for (std::uint64_t number = 0; number < blocks; ++number) {
        auto found = number == 0 ? cursor->at_or_after(block_key(info_.id, 0)) : cursor->next();
        if (!found) {
            return found.error();
        }
        if (!*found || (*found)->number() != block_key(info_.id, number)) {
            return damaged(number);
        }
        const Bytes value = (*found)->value;
        if (number < info_.entry_blocks) {
            blocks_[number].data = value.data();
            blocks_[number].bytes = static_cast<std::uint32_t>(value.size());
        } else if (auto ok = read_fences(value, number); !ok) {
            return ok;
        }
    }
    if (fences_.size() != info_.entry_blocks || !std::is_sorted(fences_.begin(), fences_.end())) {
        return damaged(info_.entry_blocks);
    }
    return {};
}

Result<void> Run::read_fences(Bytes block, std::uint64_t number) {
    const auto head = check_block(block, BlockKind::fences, block_key(info_.id, number));
    if (!head) {
        return damaged(number);
    }
    const std::size_t had = fences_.size();
    fences_.resize(had + head->count);
    std::memcpy(fences_.data() + had, block.data() + kBlockHeadBytes,
                head->count * sizeof(std::uint64_t));
    return {};
}

Error Run::damaged(std::size_t block) const {
    Error error(Errc::corrupt,
                fmt::format("index run {} of offsets {} to {}: block {} is missing or damaged",
                            info_.id, info_.low, info_.high, block));
    error.offset = info_.low;
    return error;
}

std::size_t Run::lower_fence(std::uint64_t hash) const {
    const std::size_t n = fences_.size();
    return first_not_less(n, among_hashes(hash, n), kFenceStep,
                          [&](std::size_t i) { return fences_[i] < hash; });
}

BlockRange Run::blocks_of(std::uint64_t hash) const {
    const std::size_t n = fences_.size();
    const std::size_t at = lower_fence(hash);
    BlockRange blocks{at == 0 ? 0 : at - 1, at == 0 ? 0 : at - 1};
    if (at < n && fences_[at] == hash) {
        blocks.last = first_not_less(n - at, 0, kFenceStep,
                                     [&](std::size_t i) { return fences_[at + i] <= hash; }) +
                      at - 1;
    }
    return blocks;
}

Result<void> Run::check(std::size_t block) const {
    Block& b = blocks_[block];
    const auto head =
        check_block({b.data, b.bytes}, BlockKind::entries, block_key(info_.id, block));
    if (!head || head->count == 0 || head->first_hash != fences_[block]) {
        return damaged(block);
    }
    b.used.store(head->bytes, std::memory_order_relaxed);
    b.last_hash.store(head->last_hash, std::memory_order_relaxed);
    b.count.store(head->count, std::memory_order_release);
    return {};
}

Result<std::uint32_t> Run::count(std::size_t block, bool again) const {
    if (again || blocks_[block].count.load(std::memory_order_acquire) == 0) {
        if (auto ok = check(block); !ok) {
            return ok.error();
        }
    }
    return blocks_[block].count.load(std::memory_order_acquire);
}

Result<TagRange> Run::tagged(std::size_t block, std::uint64_t hash) const {
    const auto n = count(block);
    if (!n) {
        return n.error();
    }
    const std::uint64_t last_hash = blocks_[block].last_hash.load(std::memory_order_relaxed);
    if (hash < fences_[block] || hash > last_hash) {
        return TagRange{};
    }
    const Tags scale(fences_[block], last_hash);
    const std::uint64_t tag = scale.of(hash);
    const std::byte* tags = blocks_[block].data + kBlockHeadBytes;
    const std::size_t begin = first_not_less(*n, guess_of(tag, scale.last, *n), kTagStep,
                                             [&](std::size_t i) { return u16_at(tags, i) < tag; });
    std::size_t end = begin;
    if (begin < *n && u16_at(tags, begin) == tag) {
        end = begin + first_not_less(*n - begin, 1, kTagStep,
                                     [&](std::size_t i) { return u16_at(tags, begin + i) <= tag; });
    }
    return TagRange{static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
}

Result<Entry> Run::entry(std::size_t block, std::uint32_t index) const {
    const Block& b = blocks_[block];
    const std::uint32_t n = b.count.load(std::memory_order_acquire);
    const std::byte* places = b.data + kBlockHeadBytes + n * sizeof(std::uint16_t);
    const std::size_t begin = u16_at(places, index);
    const std::size_t end =
        index + 1 < n ? u16_at(places, index + 1) : b.used.load(std::memory_order_relaxed);
    if (begin >= end || end > b.bytes) {
        return damaged(block);
    }
    const auto parsed = parse_entry(as_text({b.data + begin, end - begin}), info_.low);
    if (!parsed) {
        return damaged(block);
    }
    return *parsed;
}

void Run::prefetch(std::uint64_t hash) const {
    if (info_.entry_blocks == 0) {
        return;
    }
    const std::size_t at = lower_fence(hash);
    const std::size_t block = at == 0 ? 0 : at - 1;
    const std::uint32_t n = blocks_[block].count.load(std::memory_order_acquire);
    const std::uint64_t last_hash = blocks_[block].last_hash.load(std::memory_order_relaxed);
    if (n == 0 || hash < fences_[block] || hash > last_hash) {
        return;
    }
    const Tags scale(fences_[block], last_hash);
    const std::size_t guess = guess_of(scale.of(hash), scale.last, n);
    __builtin_prefetch(blocks_[block].data + kBlockHeadBytes + guess * sizeof(std::uint16_t));
}

}  // namespace skald::store::index
