// A query turned into a walk over one tree of a version, wherever its trees are kept.
//
// Threads: any.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "skald/cqrs/live_query.h"
#include "skald/cqrs/read_model.h"
#include "skald/cqrs/row.h"

namespace skald::cqrs {

// Along the entries of one tree, in either direction; nullopt at its ends. What it gives is valid
// until the next call.
class RowWalk {
  public:
    using Found = Result<std::optional<std::string_view>>;  // the entry's key
    virtual ~RowWalk() = default;
    virtual Found first() = 0;
    virtual Found last() = 0;
    virtual Found next() = 0;
    virtual Found previous() = 0;
    virtual Found at_or_after(std::string_view key) = 0;
    // The row that the entry is of: its key, its JSON.
    virtual std::string_view key() = 0;
    virtual Result<std::string_view> row() = 0;
};

// The rows of one version and its indexes, as of one moment.
class RowTrees {
  public:
    virtual ~RowTrees() = default;
    virtual std::uint32_t version() const = 0;
    virtual const RowSchema& schema() const = 0;
    // Of an index; below zero: of the rows.
    virtual Result<std::unique_ptr<RowWalk>> walk(int index) const = 0;
};

// Which tree, from where to where: keys k with lower <= k < upper.
struct ScanPlan {
    int index = -1;  // of the version's indexes; below zero: the rows themselves
    std::string lower;
    std::optional<std::string> upper;  // none: to the end
    bool holds(std::string_view key) const { return key >= lower && (!upper || key < *upper); }
};

// invalid_argument for what the schema does not have; the message names what it has.
Result<ScanPlan> plan_scan(const RowSchema& schema, const RowQuery& query);
// The keys as a get() wants them.
Result<std::string> plan_get(const RowSchema& schema, const KeyValue& key);

// Where a page ended.
struct ScanPlace {
    std::uint32_t version = 0;
    int index = -1;
    bool descending = false;
    std::string key;
};
std::string to_cursor(const ScanPlace& place);
Result<ScanPlace> parse_cursor(std::string_view text);

// What `query.after` says; nullopt when it is empty.
Result<std::optional<ScanPlace>> place_of(const RowQuery& query);
// The rows of one page, without its position.
Result<RowPage> scan(const RowTrees& trees, const RowQuery& query);
// All rows; request_too_large beyond what a live query begins with.
Result<std::vector<LiveRow<std::string>>> scan_all(const RowTrees& trees, const RowQuery& query);

}  // namespace skald::cqrs
