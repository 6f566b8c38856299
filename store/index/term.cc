#include "store/index/term.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <vector>

namespace skald::store {
namespace index {

std::uint64_t hash_of(EntryKind kind, std::string_view key) {
    const auto with = kind == EntryKind::lifecycle ? EntryKind::stream : kind;
    // Never the seed 0: that is the hash by which streams are dealt to partitions, so that inside
    // one of them some of its bits would be the same for all.
    return XXH3_64bits_withSeed(key.data(), key.size(), 1U + static_cast<unsigned>(with));
}

std::uint64_t fingerprint_of(std::uint64_t hash, std::uint64_t offset, std::uint64_t version) {
    const std::array<std::uint64_t, 3> parts{hash, offset, version};
    return XXH3_64bits(parts.data(), sizeof parts);
}

}  // namespace index

Term Term::of(TermKind kind, std::string_view key) {
    return {kind, key, index::hash_of(static_cast<index::EntryKind>(kind), key)};
}

std::uint64_t posting_fingerprint(const Term& term, Posting posting) {
    return index::fingerprint_of(term.hash, posting.offset.value, posting.version.value);
}

std::uint64_t record_fingerprint(const EventView& event, bool hole) {
    using index::EntryKind;
    std::uint64_t sum = 0;
    std::vector<std::string_view> tags;
    index::for_each_term(event, hole, [&](EntryKind kind, std::string_view key) {
        if (kind == EntryKind::lifecycle) {
            return;
        }
        if (kind == EntryKind::tag) {
            if (std::find(tags.begin(), tags.end(), key) != tags.end()) {
                return;
            }
            tags.push_back(key);
        }
        const std::uint64_t version = kind == EntryKind::stream ? event.version.value : 0;
        sum += index::fingerprint_of(index::hash_of(kind, key), event.offset.value, version);
    });
    return sum;
}

}  // namespace skald::store
