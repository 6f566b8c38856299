#include "store/index/tail_segment.h"

#include <cstring>
#include <new>

#include "base/check.h"

namespace skald::store::index {
namespace {

constexpr std::size_t kSlotsMin = 1024;
constexpr std::uint16_t kChunkMin = 3;    // offsets; with `next` 16 bytes
constexpr std::uint16_t kChunkMax = 255;  // 1 KiB
// Chunks hold 3, 7, 15 ... 255, 255 ... offsets.
std::uint16_t chunk_after(std::uint16_t room) {
    return room >= kChunkMax ? kChunkMax : static_cast<std::uint16_t>(2 * room + 1);
}

std::uint64_t state_of(std::uint32_t count, std::uint32_t last) {
    return std::uint64_t{last} << 32 | count;
}

}  // namespace

// Slots: the hash's upper half << 32 | place of the term + 1; 0 when free.
struct TailSegment::Table {
    explicit Table(std::size_t size) : mask(size - 1), slots(new std::atomic<std::uint64_t>[size]) {
        for (std::size_t i = 0; i < size; ++i) {
            slots[i].store(0, std::memory_order_relaxed);
        }
    }
    std::size_t size() const { return mask + 1; }
    void put(std::uint64_t hash, std::uint32_t place) {
        std::size_t i = hash & mask;
        while (slots[i].load(std::memory_order_relaxed) != 0) {
            i = (i + 1) & mask;
        }
        slots[i].store((hash >> 32) << 32 | (place + 1U), std::memory_order_release);
    }
    std::size_t mask;
    std::unique_ptr<std::atomic<std::uint64_t>[]> slots;
};

TailSegment::TailSegment(Offset begin) : begin_(begin), base_(begin.value), end_(begin.value) {
    tables_.push_back(std::make_unique<Table>(kSlotsMin));
    table_.store(tables_.back().get(), std::memory_order_release);
    bytes_ = sizeof *this + kSlotsMin * sizeof(std::uint64_t);
}

TailSegment::~TailSegment() = default;

bool TailSegment::full() const {
    return end_.load(std::memory_order_relaxed) - base_ >= limits::kTailEventsMax ||
           owned_bytes() >= kTailBytesMax;
}

void TailSegment::advance() {
    const std::uint64_t next = end_.load(std::memory_order_relaxed) + 1;
    if (count_ == 0) {
        base_ = next;
    }
    end_.store(next, std::memory_order_release);
}

void TailSegment::skip() {
    advance();
}

void TailSegment::add(const EventView& event, bool hole) {
    const auto offset = static_cast<std::uint32_t>(event.offset.value - base_);
    for_each_term(event, hole, [&](EntryKind kind, std::string_view key) {
        TailTerm*& term = newest_[static_cast<std::size_t>(kind)];
        if (term == nullptr || term->key() != key) {
            const Target target = Target::of(kind, key);
            term = lookup(target);
            if (term == nullptr) {
                term = insert(target, kind == EntryKind::stream ? event.version.value : 0);
            }
        }
        append(*term, offset);
        if (kind == EntryKind::lifecycle) {
            lifecycles_.store(true, std::memory_order_release);
        }
    });
    advance();
}

TailTerm* TailSegment::lookup(const Target& target) const {
    const Table& table = *table_.load(std::memory_order_acquire);
    for (std::size_t i = target.hash & table.mask;; i = (i + 1) & table.mask) {
        const std::uint64_t slot = table.slots[i].load(std::memory_order_acquire);
        if (slot == 0) {
            return nullptr;
        }
        if (slot >> 32 != target.hash >> 32) {
            continue;
        }
        TailTerm* term = term_at(slot);
        if (term->hash == target.hash && term->kind == target.kind && term->key() == target.key) {
            return term;
        }
    }
}

std::uint32_t TailSegment::allocate(std::size_t bytes) {
    bytes = align8(bytes);
    if (page_used_ + bytes > kPageBytes) {
        const std::size_t page = pages_[0] == nullptr ? 0 : page_ + 1;
        SKALD_CHECK(page < kPagesMax, "a tail segment was added to long after it was full");
        pages_[page] = std::make_unique_for_overwrite<std::byte[]>(kPageBytes);
        bytes_.fetch_add(kPageBytes, std::memory_order_relaxed);
        page_ = page;
        page_used_ = 0;
    }
    const std::size_t place = page_ * (kPageBytes / 8) + page_used_ / 8;
    page_used_ += bytes;
    return static_cast<std::uint32_t>(place);
}

TailTerm* TailSegment::insert(const Target& target, std::uint64_t version) {
    SKALD_CHECK(target.key.size() <= 255, "a term's key is longer than names may be");
    const std::uint32_t place = allocate(sizeof(TailTerm) + target.key.size());
    auto* term = new (at(place)) TailTerm{};
    term->hash = target.hash;
    term->first_version = version;
    term->kind = target.kind;
    term->key_bytes = static_cast<std::uint8_t>(target.key.size());
    std::memcpy(static_cast<void*>(term + 1), target.key.data(), target.key.size());
    if (++count_ > tables_.back()->size() / 2) {
        grow();
    }
    tables_.back()->put(target.hash, place);
    return term;
}

void TailSegment::grow() {
    const Table& old = *tables_.back();
    auto table = std::make_unique<Table>(old.size() * 2);
    for (std::size_t i = 0; i < old.size(); ++i) {
        const std::uint64_t slot = old.slots[i].load(std::memory_order_relaxed);
        if (slot != 0) {
            table->put(term_at(slot)->hash, static_cast<std::uint32_t>(slot) - 1);
        }
    }
    bytes_.fetch_add(table->size() * sizeof(std::uint64_t), std::memory_order_relaxed);
    tables_.push_back(std::move(table));
    table_.store(tables_.back().get(), std::memory_order_release);
}

void TailSegment::append(TailTerm& term, std::uint32_t offset) {
    const std::uint64_t state = term.state.load(std::memory_order_relaxed);
    const auto count = static_cast<std::uint32_t>(state);
    if (count == 0) {
        term.first = offset;
    } else if (state >> 32 == offset) {
        return;  // a tag that stands twice in one record
    } else {
        append_to_chunk(term, offset);
    }
    term.state.store(state_of(count + 1, offset), std::memory_order_release);
}

void TailSegment::append_to_chunk(TailTerm& term, std::uint32_t offset) {
    if (term.used == term.room) {
        const std::uint16_t room = term.room == 0 ? kChunkMin : chunk_after(term.room);
        const std::uint32_t place = allocate(sizeof(TailChunk) + sizeof offset * room);
        new (at(place)) TailChunk{};
        if (term.room == 0) {
            term.head = place;
        } else {
            chunk_at(term.tail)->next = place;
        }
        term.tail = place;
        term.room = room;
        term.used = 0;
    }
    std::memcpy(at(term.tail) + sizeof(TailChunk) + sizeof offset * term.used, &offset,
                sizeof offset);
    ++term.used;
}

std::optional<TailList> TailSegment::find(const Target& target) const {
    const TailTerm* term = lookup(target);
    if (term == nullptr) {
        return std::nullopt;
    }
    const std::uint64_t state = term->state.load(std::memory_order_acquire);
    if (state == 0) {
        return std::nullopt;
    }
    return TailList{term, static_cast<std::uint32_t>(state),
                    static_cast<std::uint32_t>(state >> 32)};
}

std::vector<std::span<const std::uint32_t>> TailSegment::pieces(const TailList& list) const {
    std::vector<std::span<const std::uint32_t>> pieces{{&list.term->first, 1}};
    std::uint32_t left = list.count - 1;
    std::uint16_t room = kChunkMin;
    // The head is being set while there is one posting only: it is not looked at then.
    for (std::uint32_t place = left > 0 ? list.term->head : 0; left > 0; room = chunk_after(room)) {
        const std::uint32_t n = std::min<std::uint32_t>(left, room);
        const TailChunk* chunk = chunk_at(place);
        pieces.emplace_back(reinterpret_cast<const std::uint32_t*>(chunk + 1), n);
        left -= n;
        if (left > 0) {
            place = chunk->next;
        }
    }
    return pieces;
}

std::vector<const TailTerm*> TailSegment::terms() const {
    std::vector<const TailTerm*> terms;
    const Table& table = *table_.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < table.size(); ++i) {
        const std::uint64_t slot = table.slots[i].load(std::memory_order_acquire);
        if (slot == 0) {
            continue;
        }
        const TailTerm* term = term_at(slot);
        if (term->state.load(std::memory_order_acquire) != 0) {
            terms.push_back(term);
        }
    }
    return terms;
}

}  // namespace skald::store::index
