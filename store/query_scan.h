// Offsets of events that match a query, out of the index alone: an item is the intersection of its
// tags and of the union of its types; a query is the union of its items.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "skald/event_store.h"
#include "store/index.h"

namespace skald::store {

// Rising offsets, one at a time.
class OffsetStream {
  public:
    virtual ~OffsetStream() = default;
    // The first offset at or above `from`; nullopt at the end. `from` never falls from call to
    // call.
    virtual Result<std::optional<Offset>> seek(Offset from) = 0;
};

// The streams must not outlive the snapshot, nor the strings of the query.
std::unique_ptr<OffsetStream> scan_term(const IndexSnapshot& index, Term term);
std::unique_ptr<OffsetStream> scan_query(const IndexSnapshot& index, const Query& query);

}  // namespace skald::store
