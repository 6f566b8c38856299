// The index of the newest records, in memory: a hash table from terms to rising offsets.
//
// One thread adds; any threads read meanwhile, without locks. What makes that work: nothing ever
// moves (terms, their lists and keys lie in an arena of pages), a term is reached only through its
// slot and a posting only through its term's state, and both are stored with release order after
// everything they lead to. A table that was outgrown stays until the segment dies.
//
// Memory: at most kTailBytesMax and one record's worth, and full() well before 32-bit places end.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/limits.h"
#include "store/index/term.h"

namespace skald::store::index {

inline constexpr std::size_t kTailBytesMax = 24 * limits::kMiB;

// A stretch of a list. Its offsets, u32 each, follow it in memory.
struct TailChunk {
    std::uint32_t next = 0;  // place of the next one, once there are postings in it
};

// The key follows it in memory.
struct TailTerm {
    std::uint64_t hash;
    std::uint64_t first_version;
    std::atomic<std::uint64_t> state;  // last offset << 32 | count
    std::uint32_t first;               // offset
    std::uint32_t head;                // place of the first chunk; the first offset is in none
    std::uint32_t tail;                // of the last; the adder's alone, like `used` and `room`
    std::uint16_t used;
    std::uint16_t room;
    EntryKind kind;
    std::uint8_t key_bytes;

    std::string_view key() const { return {reinterpret_cast<const char*>(this + 1), key_bytes}; }
};

// A term as it was at one moment. Offsets in it are relative to the segment's base().
struct TailList {
    const TailTerm* term = nullptr;
    std::uint32_t count = 0;  // not 0
    std::uint32_t last = 0;
};

class TailSegment {
  public:
    explicit TailSegment(Offset begin);
    ~TailSegment();
    TailSegment(const TailSegment&) = delete;
    TailSegment& operator=(const TailSegment&) = delete;

    // The records it covers.
    Offset begin() const { return begin_; }
    Offset end() const { return Offset(end_.load(std::memory_order_acquire)); }
    bool full() const;
    bool has_lifecycles() const { return lifecycles_.load(std::memory_order_acquire); }
    std::size_t owned_bytes() const { return bytes_.load(std::memory_order_relaxed); }

    // The adder's: the next record.
    void add(const EventView& event, bool hole);
    void skip();

    std::optional<TailList> find(const Target& target) const;
    // Of a list that find() gave. The offset `relative` is relative to.
    Offset base() const { return Offset(base_); }
    // Its offsets in order, in pieces, each rising.
    std::vector<std::span<const std::uint32_t>> pieces(const TailList& list) const;
    // Every term that has a posting.
    std::vector<const TailTerm*> terms() const;

  private:
    struct Table;
    static constexpr std::size_t kPageBytes = 64 * limits::kKiB;
    static constexpr std::size_t kPagesMax = 2 * kTailBytesMax / kPageBytes;

    std::byte* at(std::uint32_t place) const {
        return pages_[place >> 13].get() + std::size_t{place & 8191U} * 8;
    }
    TailTerm* term_at(std::uint64_t slot) const {
        return reinterpret_cast<TailTerm*>(at(static_cast<std::uint32_t>(slot) - 1));
    }
    TailChunk* chunk_at(std::uint32_t place) const {
        return reinterpret_cast<TailChunk*>(at(place));
    }
    TailTerm* lookup(const Target& target) const;
    std::uint32_t allocate(std::size_t bytes);
    TailTerm* insert(const Target& target, std::uint64_t version);
    void grow();
    void append(TailTerm& term, std::uint32_t offset);
    void append_to_chunk(TailTerm& term, std::uint32_t offset);
    void advance();

    Offset begin_;
    std::uint64_t base_;  // moves up while the segment is empty
    std::atomic<std::uint64_t> end_;
    std::atomic<std::size_t> bytes_{0};
    std::atomic<bool> lifecycles_{false};
    std::atomic<Table*> table_;
    std::vector<std::unique_ptr<Table>> tables_;
    std::size_t count_ = 0;  // of terms
    // By kind, the term added to last: events of one stream or type tend to come together.
    std::array<TailTerm*, kEntryKinds> newest_{};
    std::size_t page_ = 0;  // being filled
    std::size_t page_used_ = kPageBytes;
    std::array<std::unique_ptr<std::byte[]>, kPagesMax> pages_;
};

}  // namespace skald::store::index
