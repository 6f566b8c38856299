// What an index entry stands for, and which entries a record has.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/glob.h"
#include "skald/event.h"
#include "store/index.h"
#include "wire/record.h"

namespace skald::store::index {

// TermKind, and the list of a stream's lifecycle records. The latter has its stream's hash, so that
// one search finds both. Stored: never renumber.
enum class EntryKind : std::uint8_t { stream, category, type, correlation, tag, lifecycle };
inline constexpr std::uint8_t kEntryKinds = 6;

std::uint64_t hash_of(EntryKind kind, std::string_view key);

// A term by its entry's kind. The key must outlive it.
struct Target {
    EntryKind kind = EntryKind::stream;
    std::string_view key;
    std::uint64_t hash = 0;
    static Target of(EntryKind kind, std::string_view key) {
        return {kind, key, hash_of(kind, key)};
    }
    static Target of(const Term& term) {
        return {static_cast<EntryKind>(term.kind), term.key, term.hash};
    }
    Target lifecycle() const { return {EntryKind::lifecycle, key, hash}; }
};

// Calls f(kind, key) for each entry of the record. A tag that stands twice is given twice.
template <typename F>
void for_each_term(const EventView& event, bool hole, F f) {
    if (event.control) {
        f(EntryKind::lifecycle, event.stream);
        return;
    }
    f(EntryKind::stream, event.stream);
    if (hole) {
        return;
    }
    f(EntryKind::category, category_of(event.stream));
    f(EntryKind::type, event.type);
    bool correlated = false;
    for (wire::FieldCursor field(event.fields); field.next();) {
        if (field.tag() == wire::FieldTag::tag) {
            f(EntryKind::tag, field.value());
        } else if (field.tag() == wire::FieldTag::correlation_id && !correlated) {
            correlated = true;
            f(EntryKind::correlation, field.value());
        }
    }
}

std::uint64_t fingerprint_of(std::uint64_t hash, std::uint64_t offset, std::uint64_t version);

}  // namespace skald::store::index
