#include "store/index/entry_source.h"

#include <algorithm>

#include "store/index/posting_codec.h"

namespace skald::store::index {
namespace {

bool precedes(const EntrySource& a, const EntrySource& b) {
    if (a.hash() != b.hash()) {
        return a.hash() < b.hash();
    }
    if (a.entry().kind != b.entry().kind) {
        return a.entry().kind < b.entry().kind;
    }
    return a.entry().key < b.entry().key;
}

}  // namespace

SegmentEntries::SegmentEntries(std::shared_ptr<const TailSegment> segment)
    : segment_(std::move(segment)), terms_(segment_->terms()) {
    std::sort(terms_.begin(), terms_.end(), [](const TailTerm* a, const TailTerm* b) {
        if (a->hash != b->hash) {
            return a->hash < b->hash;
        }
        return a->kind != b->kind ? a->kind < b->kind : a->key() < b->key();
    });
}

void SegmentEntries::begin_term() {
    const TailTerm& term = *terms_[next_term_++];
    const std::uint64_t state = term.state.load(std::memory_order_acquire);
    const TailList list{&term, static_cast<std::uint32_t>(state),
                        static_cast<std::uint32_t>(state >> 32)};
    offsets_.clear();
    next_offset_ = 0;
    if (list.count == 1) {
        offsets_.push_back(term.first);
    } else {
        for (const auto piece : segment_->pieces(list)) {
            offsets_.insert(offsets_.end(), piece.begin(), piece.end());
        }
    }
    entry_ = {};
    entry_.kind = term.kind;
    entry_.key = term.key();
    hash_ = term.hash;
}

Result<bool> SegmentEntries::next() {
    if (next_offset_ == offsets_.size()) {
        if (next_term_ == terms_.size()) {
            return false;
        }
        begin_term();
    }
    const std::uint64_t base = segment_->base().value;
    const std::size_t n = std::min<std::size_t>(kEntryPostingsMax, offsets_.size() - next_offset_);
    const TailTerm& term = *terms_[next_term_ - 1];
    entry_.first = base + offsets_[next_offset_];
    entry_.last = base + offsets_[next_offset_ + n - 1];
    entry_.version = term.kind == EntryKind::stream ? term.first_version + next_offset_ : 0;
    entry_.count = static_cast<std::uint32_t>(n);
    tokens_.clear();
    PostingEncoder encoder(tokens_, entry_.first);
    for (std::size_t i = 1; i < n; ++i) {
        encoder.add(base + offsets_[next_offset_ + i]);
    }
    encoder.finish();
    entry_.tokens = tokens_;
    next_offset_ += n;
    return true;
}

Result<bool> RunEntries::next() {
    while (index_ == count_) {
        if (block_ + (count_ > 0 ? 1 : 0) >= run_->info().entry_blocks) {
            return false;
        }
        block_ += count_ > 0 ? 1 : 0;
        const auto count = run_->count(block_);
        if (!count) {
            return count.error();
        }
        count_ = *count;
        index_ = 0;
    }
    auto entry = run_->entry(block_, index_++);
    if (!entry) {
        return entry.error();
    }
    entry_ = *entry;
    hash_ = hash_of(entry_.kind, entry_.key);
    return true;
}

MergedEntries::MergedEntries(const std::vector<std::shared_ptr<const Run>>& runs) {
    for (const auto& run : runs) {
        inputs_.emplace_back(run);
    }
}

// Moves the input on and finds the least of all. Among equals the first comes first: it is older.
Result<void> MergedEntries::advance(std::size_t input) {
    const auto more = inputs_[input].next();
    if (!more) {
        return more.error();
    }
    if (!*more) {
        inputs_.erase(inputs_.begin() + static_cast<std::ptrdiff_t>(input));
    }
    least_ = 0;
    for (std::size_t i = 1; i < inputs_.size(); ++i) {
        if (precedes(inputs_[i], inputs_[least_])) {
            least_ = i;
        }
    }
    return {};
}

Result<void> MergedEntries::begin() {
    begun_ = true;
    for (std::size_t i = inputs_.size(); i-- > 0;) {
        if (auto ok = advance(i); !ok) {
            return ok;
        }
    }
    return {};
}

void MergedEntries::join(const Entry& next) {
    if (entry_.tokens.data() != tokens_.data()) {
        tokens_ = entry_.tokens;
    }
    put_joint(tokens_, entry_.last, next.first);
    tokens_ += next.tokens;
    entry_.tokens = tokens_;
    entry_.last = next.last;
    entry_.count += next.count;
}

Result<bool> MergedEntries::next() {
    if (!begun_) {
        if (auto ok = begin(); !ok) {
            return ok.error();
        }
    }
    if (inputs_.empty()) {
        return false;
    }
    tokens_.clear();
    entry_ = inputs_[least_].entry();
    hash_ = inputs_[least_].hash();
    for (;;) {
        if (auto ok = advance(least_); !ok) {
            return ok.error();
        }
        if (inputs_.empty()) {
            return true;
        }
        const Entry& more = inputs_[least_].entry();
        if (inputs_[least_].hash() != hash_ || !more.is_of(entry_.kind, entry_.key) ||
            entry_.count + more.count > kEntryPostingsMax ||
            entry_.tokens.size() + more.tokens.size() > kEntryTokenBytesMax) {
            return true;
        }
        join(more);
    }
}

}  // namespace skald::store::index
