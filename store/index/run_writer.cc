#include "store/index/run_writer.h"

#include <algorithm>

#include "base/check.h"

namespace skald::store::index {
namespace {

constexpr std::size_t kDirectoryBytes = 4;  // of an entry
constexpr std::size_t kFencesMax = (kBlockBytesMax - kBlockHeadBytes) / sizeof(std::uint64_t);

template <typename Int>
void put_int(std::string& out, Int value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

RunWriter::RunWriter(const RunInfo& run, std::size_t block_bytes_min)
    : run_(run), block_bytes_min_(block_bytes_min) {
    entries_.reserve(kBlockBytesMax);
}

void RunWriter::add(std::uint64_t hash, const Entry& entry, std::vector<Block>& out) {
    const std::size_t place = entries_.size();
    append_entry(entries_, entry, run_.low);
    if (kBlockHeadBytes + entries_.size() + kDirectoryBytes * (places_.size() + 1) >
        kBlockBytesMax) {
        const std::string spilled = entries_.substr(place);
        entries_.resize(place);
        flush(out);
        entries_ = spilled;
    }
    places_.push_back(static_cast<std::uint32_t>(hashes_.empty() ? 0 : place));
    hashes_.push_back(hash);
    ++run_.entries;
    run_.lifecycles += entry.kind == EntryKind::lifecycle;
}

void RunWriter::flush(std::vector<Block>& out) {
    BlockHead head;
    head.count = static_cast<std::uint32_t>(hashes_.size());
    head.first_hash = hashes_.front();
    head.last_hash = hashes_.back();
    const unsigned shift = tag_shift(head.first_hash, head.last_hash);
    const std::size_t entries_at = kBlockHeadBytes + kDirectoryBytes * hashes_.size();
    std::string block(kBlockHeadBytes, '\0');
    block.reserve(std::max(entries_at + entries_.size(), block_bytes_min_));
    for (const std::uint64_t hash : hashes_) {
        put_int(block, static_cast<std::uint16_t>((hash - head.first_hash) >> shift));
    }
    for (const std::uint32_t place : places_) {
        put_int(block, static_cast<std::uint16_t>(entries_at + place));
    }
    block += entries_;
    fences_.push_back(head.first_hash);
    put(head, std::move(block), out);
    ++run_.entry_blocks;
    entries_.clear();
    hashes_.clear();
    places_.clear();
}

void RunWriter::flush_fences(std::vector<Block>& out) {
    for (std::size_t at = 0; at < fences_.size(); at += kFencesMax) {
        const std::size_t n = std::min(kFencesMax, fences_.size() - at);
        BlockHead head;
        head.kind = BlockKind::fences;
        head.count = static_cast<std::uint32_t>(n);
        head.first_hash = fences_[at];
        head.last_hash = fences_[at + n - 1];
        std::string block(kBlockHeadBytes, '\0');
        block.append(reinterpret_cast<const char*>(&fences_[at]), n * sizeof(std::uint64_t));
        put(head, std::move(block), out);
        ++run_.fence_blocks;
    }
}

void RunWriter::put(BlockHead head, std::string block, std::vector<Block>& out) {
    SKALD_CHECK(next_block_ < kBlocksMax, "a run has too many blocks");
    head.key = block_key(run_.id, next_block_++);
    seal_block(block, head, block_bytes_min_);
    run_.bytes += block.size();
    out.push_back({head.key, std::move(block)});
}

RunInfo RunWriter::finish(std::vector<Block>& out) {
    if (!hashes_.empty()) {
        flush(out);
    }
    flush_fences(out);
    return run_;
}

}  // namespace skald::store::index
