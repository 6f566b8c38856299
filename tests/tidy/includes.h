// What a source includes, and which room may include which.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/tidy/tree.h"

namespace skald::tidy {

struct Include {
    std::size_t line;  // from 1
    std::string target;
    bool quoted;
};

[[nodiscard]] std::vector<Include> includes_of(const SourceFile& file);

// The top folder of a path; empty for a file at the top.
[[nodiscard]] std::string room_of(const std::string& path);

// Room -> the rooms it may include besides itself. Its keys are all rooms there will ever be.
[[nodiscard]] const std::map<std::string, std::set<std::string>>& room_table();

}  // namespace skald::tidy
