// Which events a reading command is about, and from where.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "skald/event_store.h"

namespace skald::cli {

// As typed. What names the events excludes its like; none of them is everything.
struct SelectionWords {
    std::string stream;
    std::string category;
    std::string type;
    std::string correlation;
    bool all = false;
    std::vector<std::string> type_globs;
    std::vector<std::string> stream_globs;
    std::string from;

    Selection selection() const;
};

// "start", "end", a version of a stream or an offset, a position, or @TIME (RFC 3339).
// invalid_argument or invalid_position.
Result<Start> parse_start(const std::string& from, const Selection& selection);

}  // namespace skald::cli
