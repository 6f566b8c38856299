// A query turned into a walk over one tree of a version.
//
// Threads: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cqrs/model_core.h"
#include "skald/cqrs/live_query.h"

namespace skald::cqrs {

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

// The rows of one page.
Result<RowPage> scan(const ModelCore::View& view, const RowQuery& query,
                     const std::optional<ScanPlace>& after);
// All rows; request_too_large beyond what a live query begins with.
Result<std::vector<LiveRow<std::string>>> scan_all(const ModelCore::View& view,
                                                   const RowQuery& query);

}  // namespace skald::cqrs
