#include "store/index/query.h"

#include <algorithm>

#include "store/index/posting_codec.h"

namespace skald::store::index {
namespace {

// A stretch of a term's postings: offsets above `base`, versions from `version` on.
struct Stretch {
    std::uint64_t base = 0;
    std::uint64_t version = 0;
    bool versioned = false;
};

// Adds one posting that is not before `from`. False when no further one of this direction can
// belong to the answer.
bool offer(const Query& query, std::uint64_t offset, std::uint64_t version, bool versioned,
           std::vector<Posting>& out) {
    if (query.backward ? offset < query.floor : offset >= query.below) {
        return false;
    }
    if (query.backward ? offset >= query.below : offset < query.floor) {
        return true;
    }
    out.push_back({Offset(offset), Version(versioned ? version : 0)});
    return out.size() < query.limit;
}

// How many in front, in the order of the answer, lie before `from`.
template <typename Int>
std::size_t before_from(const Query& query, std::span<const Int> offsets, const Stretch& stretch) {
    const std::size_t n = offsets.size();
    std::size_t low = 0;  // how many are below `from`, or not above it when it goes backward
    if (query.axis == Axis::offset) {
        const auto is_low = [&](Int offset) {
            const std::uint64_t at = stretch.base + offset;
            return query.backward ? at <= query.from : at < query.from;
        };
        low = static_cast<std::size_t>(
            std::partition_point(offsets.begin(), offsets.end(), is_low) - offsets.begin());
    } else if (query.from >= stretch.version) {
        const std::uint64_t distance = query.from - stretch.version;
        low = distance >= n ? n : distance + (query.backward ? 1 : 0);
    }
    return query.backward ? n - low : low;
}

template <typename Int>
bool offer_all(const Query& query, std::span<const Int> offsets, const Stretch& stretch,
               std::vector<Posting>& out) {
    const std::size_t n = offsets.size();
    for (std::size_t k = before_from(query, offsets, stretch); k < n; ++k) {
        const std::size_t i = query.backward ? n - 1 - k : k;
        if (!offer(query, stretch.base + offsets[i], stretch.version + i, stretch.versioned, out)) {
            return false;
        }
    }
    return true;
}

// Whether the answer begins at the entry's last posting, which is known without the others: where
// the end of a stream is read.
bool begins_at_last(const Query& query, const Entry& entry) {
    return !query.backward &&
           (query.axis == Axis::offset ? query.from == entry.last
                                       : query.from == entry.version + entry.count - 1);
}

Result<bool> offer_entry(const Run& run, const Query& query, const Entry& entry,
                         std::vector<std::uint64_t>& offsets, std::vector<Posting>& out) {
    if (begins_at_last(query, entry)) {
        return offer(query, entry.last, entry.version + entry.count - 1,
                     entry.kind == EntryKind::stream, out);
    }
    offsets.clear();
    if (!decode_postings(entry.tokens, entry.first, entry.count, offsets)) {
        return run.damaged(run.blocks_of(query.target.hash).first);
    }
    const Stretch stretch{0, entry.version, entry.kind == EntryKind::stream};
    return offer_all<std::uint64_t>(query, offsets, stretch, out);
}

// Whether a piece of a tail's list lies wholly on the far side of `from`.
bool before(const Query& query, std::span<const std::uint32_t> piece, const Stretch& stretch) {
    const bool by_offset = query.axis == Axis::offset;
    if (query.backward) {
        return (by_offset ? stretch.base + piece.front() : stretch.version) > query.from;
    }
    return (by_offset ? stretch.base + piece.back() : stretch.version + piece.size() - 1) <
           query.from;
}

}  // namespace

Result<void> collect(const Run& run, const Query& query, std::vector<Posting>& out) {
    RunCursor cursor(run, query.target);
    std::vector<std::uint64_t> offsets;
    auto found = cursor.seek(query.axis, query.from);
    while (found && *found) {
        const auto more = offer_entry(run, query, cursor.entry(), offsets, out);
        if (!more) {
            return more.error();
        }
        if (!*more) {
            return {};
        }
        found = query.backward ? cursor.previous() : cursor.next();
    }
    if (!found) {
        return found.error();
    }
    return {};
}

void collect(const TailSegment& segment, const Query& query, std::vector<Posting>& out) {
    const auto list = segment.find(query.target);
    if (!list) {
        return;
    }
    const auto pieces = segment.pieces(*list);
    Stretch stretch{segment.base().value, list->term->first_version,
                    list->term->kind == EntryKind::stream};
    if (query.backward) {
        stretch.version += list->count;
    }
    for (std::size_t k = 0; k < pieces.size(); ++k) {
        const auto piece = pieces[query.backward ? pieces.size() - 1 - k : k];
        if (query.backward) {
            stretch.version -= piece.size();
        }
        if (!before(query, piece, stretch) && !offer_all(query, piece, stretch, out)) {
            return;
        }
        if (!query.backward) {
            stretch.version += piece.size();
        }
    }
}

Result<std::optional<Posting>> newest(const Run& run, const Target& target, std::uint64_t below) {
    if (below == 0) {
        return std::optional<Posting>();
    }
    RunCursor cursor(run, target);
    const auto found = cursor.seek(Axis::offset, below - 1);
    if (!found) {
        return found.error();
    }
    const Entry& entry = cursor.entry();
    if (!*found || entry.first >= below) {
        return std::optional<Posting>();
    }
    if (entry.last < below) {
        return std::optional(Posting{Offset(entry.last), Version(entry.version + entry.count - 1)});
    }
    const Query query{target, Axis::offset, below - 1, true, 1, 0, below};
    std::vector<Posting> out;
    std::vector<std::uint64_t> offsets;
    if (auto ok = offer_entry(run, query, entry, offsets, out); !ok) {
        return ok.error();
    }
    return out.empty() ? std::optional<Posting>() : std::optional(out.front());
}

std::optional<Posting> newest(const TailSegment& segment, const Target& target, std::uint64_t floor,
                              std::uint64_t below) {
    const auto list = segment.find(target);
    if (!list) {
        return std::nullopt;
    }
    const std::uint64_t last = segment.base().value + list->last;
    if (last < floor) {
        return std::nullopt;
    }
    if (last < below) {
        return Posting{Offset(last), Version(list->term->first_version + list->count - 1)};
    }
    if (below == 0) {
        return std::nullopt;
    }
    const Query query{target, Axis::offset, below - 1, true, 1, floor, below};
    std::vector<Posting> out;
    collect(segment, query, out);
    return out.empty() ? std::nullopt : std::optional(out.front());
}

}  // namespace skald::store::index
