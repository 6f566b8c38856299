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

BlockHead head_of(const std::byte* data) {
    return load_as<BlockHead>(data);
}

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
    checked_ = std::make_unique<std::atomic<bool>[]>(info_.entry_blocks);
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
            blocks_.push_back({value.data(), static_cast<std::uint32_t>(value.size())});
        } else if (auto ok = read_fences(value, number); !ok) {
            return ok;
        }
    }
    if (fences_.size() != blocks_.size() || !std::is_sorted(fences_.begin(), fences_.end())) {
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

Result<BlockHead> Run::head(std::size_t block, bool again) const {
    const Block& b = blocks_[block];
    if (!again && checked_[block].load(std::memory_order_acquire)) {
        return head_of(b.data);
    }
    const auto head =
        check_block({b.data, b.bytes}, BlockKind::entries, block_key(info_.id, block));
    if (!head || head->count == 0 || head->first_hash != fences_[block]) {
        return damaged(block);
    }
    checked_[block].store(true, std::memory_order_release);
    return *head;
}

Result<std::uint32_t> Run::count(std::size_t block, bool again) const {
    const auto h = head(block, again);
    if (!h) {
        return h.error();
    }
    return h->count;
}

Result<TagRange> Run::tagged(std::size_t block, std::uint64_t hash) const {
    const auto h = head(block, false);
    if (!h) {
        return h.error();
    }
    if (hash < h->first_hash || hash > h->last_hash) {
        return TagRange{};
    }
    const unsigned shift = tag_shift(h->first_hash, h->last_hash);
    const std::uint64_t tag = (hash - h->first_hash) >> shift;
    const std::uint64_t last_tag = (h->last_hash - h->first_hash) >> shift;
    const std::byte* tags = blocks_[block].data + kBlockHeadBytes;
    const std::size_t begin = first_not_less(h->count, guess_of(tag, last_tag, h->count), kTagStep,
                                             [&](std::size_t i) { return u16_at(tags, i) < tag; });
    std::size_t end = begin;
    if (begin < h->count && u16_at(tags, begin) == tag) {
        end = begin + first_not_less(h->count - begin, 1, kTagStep,
                                     [&](std::size_t i) { return u16_at(tags, begin + i) <= tag; });
    }
    return TagRange{static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
}

Result<Entry> Run::entry(std::size_t block, std::uint32_t index) const {
    const Block& b = blocks_[block];
    const BlockHead h = head_of(b.data);
    const std::byte* places = b.data + kBlockHeadBytes + h.count * sizeof(std::uint16_t);
    const std::size_t begin = u16_at(places, index);
    const std::size_t end = index + 1 < h.count ? u16_at(places, index + 1) : h.bytes;
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
    if (blocks_.empty()) {
        return;
    }
    const std::size_t at = lower_fence(hash);
    const std::size_t block = at == 0 ? 0 : at - 1;
    __builtin_prefetch(blocks_[block].data);
    __builtin_prefetch(&checked_[block]);
}

}  // namespace skald::store::index
