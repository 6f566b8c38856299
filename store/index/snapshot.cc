#include "store/index/snapshot.h"

#include <algorithm>
#include <set>

#include "store/index/entry_source.h"
#include "store/index/posting_codec.h"

namespace skald::store::index {
namespace {

// The `limit` lowest of the keys it is shown.
class LowestKeys {
  public:
    LowestKeys(TermKind kind, std::string_view after, std::size_t limit,
               const std::function<bool(std::string_view)>& wanted)
        : kind_(static_cast<EntryKind>(kind)), after_(after), limit_(limit), wanted_(wanted) {}

    void show(EntryKind kind, std::string_view key) {
        const bool ours =
            kind == kind_ || (kind_ == EntryKind::stream && kind == EntryKind::lifecycle);
        if (!ours || key <= after_ || limit_ == 0) {
            return;
        }
        const bool full = keys_.size() == limit_;
        if ((full && key >= *keys_.rbegin()) || keys_.find(key) != keys_.end() || !wanted_(key)) {
            return;
        }
        keys_.emplace(key);
        if (full) {
            keys_.erase(std::prev(keys_.end()));
        }
    }
    std::vector<std::string> take() const { return {keys_.begin(), keys_.end()}; }

  private:
    EntryKind kind_;
    std::string_view after_;
    std::size_t limit_;
    const std::function<bool(std::string_view)>& wanted_;
    std::set<std::string, std::less<>> keys_;
};

Result<std::uint64_t> fingerprint_of_run(const Run& run, std::uint64_t below) {
    std::uint64_t sum = 0;
    std::vector<std::uint64_t> offsets;
    std::uint64_t previous = 0;
    for (std::size_t block = 0; block < run.info().entry_blocks; ++block) {
        const auto count = run.count(block, true);
        if (!count) {
            return count.error();
        }
        for (std::uint32_t i = 0; i < *count; ++i) {
            const auto entry = run.entry(block, i);
            if (!entry) {
                return entry.error();
            }
            const std::uint64_t hash = hash_of(entry->kind, entry->key);
            offsets.clear();
            if (hash < previous ||
                !decode_postings(entry->tokens, entry->first, entry->count, offsets) ||
                offsets.back() != entry->last || entry->last >= run.high().value) {
                return run.damaged(block);
            }
            previous = hash;
            std::uint64_t version = entry->version;
            for (std::size_t k = 0; k < offsets.size(); ++k) {
                const bool counts = entry->kind != EntryKind::lifecycle && offsets[k] < below;
                sum += counts ? fingerprint_of(hash, offsets[k], version) : 0;
                version += entry->kind == EntryKind::stream;
            }
        }
    }
    return sum;
}

TailList list_of(const TailTerm* term) {
    const std::uint64_t state = term->state.load(std::memory_order_acquire);
    return {term, static_cast<std::uint32_t>(state), static_cast<std::uint32_t>(state >> 32)};
}

std::uint64_t fingerprint_of_segment(const TailSegment& segment, std::uint64_t floor,
                                     std::uint64_t below) {
    std::uint64_t sum = 0;
    for (const TailTerm* term : segment.terms()) {
        if (term->kind == EntryKind::lifecycle) {
            continue;
        }
        std::uint64_t version = term->first_version;
        for (const auto piece : segment.pieces(list_of(term))) {
            for (const std::uint32_t relative : piece) {
                const std::uint64_t offset = segment.base().value + relative;
                if (offset >= floor && offset < below) {
                    sum += fingerprint_of(term->hash, offset, version);
                }
                version += term->kind == EntryKind::stream;
            }
        }
    }
    return sum;
}

}  // namespace

Snapshot::Snapshot(std::shared_ptr<const RunSet> runs,
                   std::vector<std::shared_ptr<const TailSegment>> segments, Offset below)
    : runs_(std::move(runs)),
      segments_(std::move(segments)),
      covered_(runs_->manifest.covered().value),
      below_(below.value) {}

Result<void> Snapshot::ask_runs(const Query& query, std::vector<Posting>& out) const {
    const std::size_t n = runs_->runs.size();
    for (std::size_t k = 0; k < n && out.size() < query.limit; ++k) {
        const Run& run = *runs_->runs[query.backward ? n - 1 - k : k];
        const bool beyond =
            query.axis == Axis::offset &&
            (query.backward ? run.low().value > query.from : run.high().value <= query.from);
        if (beyond || run.low().value >= below_) {
            continue;
        }
        if (auto ok = collect(run, query, out); !ok) {
            return ok;
        }
    }
    return {};
}

void Snapshot::ask_segments(const Query& query, std::vector<Posting>& out) const {
    const std::size_t n = segments_.size();
    Query here = query;
    here.floor = covered_;
    for (std::size_t k = 0; k < n && out.size() < query.limit; ++k) {
        const TailSegment& segment = *segments_[query.backward ? n - 1 - k : k];
        if (segment.begin().value < below_) {
            collect(segment, here, out);
        }
    }
}

Result<std::vector<Posting>> Snapshot::answer(const Query& query) const {
    std::vector<Posting> out;
    if (query.limit == 0) {
        return out;
    }
    if (query.backward) {
        ask_segments(query, out);
    }
    if (auto ok = ask_runs(query, out); !ok) {
        return ok.error();
    }
    if (!query.backward) {
        ask_segments(query, out);
    }
    return out;
}

Result<std::vector<Posting>> Snapshot::postings(const Term& term, Offset from, bool backward,
                                                std::size_t limit) const {
    return answer({Target::of(term), Axis::offset, from.value, backward, limit, 0, below_});
}

Result<std::vector<Posting>> Snapshot::versions(std::string_view stream, Version from,
                                                bool backward, std::size_t limit) const {
    return answer({Target::of(EntryKind::stream, stream), Axis::version, from.value, backward,
                   limit, 0, below_});
}

Result<std::optional<StreamHead>> Snapshot::head(std::string_view stream) const {
    HeadSearch search{Target::of(EntryKind::stream, stream), below_, {}, {}};
    for (auto segment = segments_.rbegin(); segment != segments_.rend(); ++segment) {
        search.look_into(**segment, covered_);
    }
    if (auto ok = search.look_into(*runs_); !ok) {
        return ok.error();
    }
    return search.result();
}

Result<std::vector<std::string>> Snapshot::keys(
    TermKind kind, std::string_view after, std::size_t limit,
    const std::function<bool(std::string_view)>& wanted) const {
    LowestKeys lowest(kind, after, limit, wanted);
    for (const auto& run : runs_->runs) {
        RunEntries entries(run);
        auto more = entries.next();
        for (; more && *more; more = entries.next()) {
            if (entries.entry().first < below_) {
                lowest.show(entries.entry().kind, entries.entry().key);
            }
        }
        if (!more) {
            return more.error();
        }
    }
    for (const auto& segment : segments_) {
        for (const TailTerm* term : segment->terms()) {
            if (segment->base().value + term->first < below_) {
                lowest.show(term->kind, term->key());
            }
        }
    }
    return lowest.take();
}

Result<std::uint64_t> Snapshot::fingerprint() const {
    std::uint64_t sum = 0;
    for (const auto& run : runs_->runs) {
        const auto part = fingerprint_of_run(*run, below_);
        if (!part) {
            return part.error();
        }
        sum += *part;
    }
    for (const auto& segment : segments_) {
        sum += fingerprint_of_segment(*segment, covered_, below_);
    }
    return sum;
}

}  // namespace skald::store::index
