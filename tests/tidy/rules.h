// What a compiler cannot check about the sources. Each rule reads the whole tree and names every
// place that breaks it; tests/tidy_test.cc shows for each that it fires.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tests/tidy/tree.h"

namespace skald::tidy {

struct Finding {
    std::string path;
    std::size_t line;  // from 1; 0 for the file as a whole
    std::string what;
};

using Findings = std::vector<Finding>;

// A word no file may hold, outside the places that may.
struct Ban {
    enum class Where { code, anywhere };
    enum class Match { word, prefix };

    std::string name;
    std::vector<std::string> words;
    Match match;
    Where where;
    std::vector<std::string> only_under;     // empty: everywhere
    std::vector<std::string> allowed_under;  // path prefixes
    std::string why;
};

[[nodiscard]] const std::vector<Ban>& bans();
[[nodiscard]] Findings check_ban(const Ban& ban, const Tree& tree);

// A header that only some places may include: by the start or the end of what is included.
struct IncludeBan {
    std::string name;
    std::vector<std::string> starts;
    std::vector<std::string> ends;
    std::vector<std::string> only_under;
    std::vector<std::string> allowed_under;
    std::string why;
};

[[nodiscard]] const std::vector<IncludeBan>& include_bans();
[[nodiscard]] Findings check_include_ban(const IncludeBan& ban, const Tree& tree);

// Rules that are more than a word; the name, and the check.
struct Rule {
    std::string name;
    Findings (*check)(const Tree& tree);
};

[[nodiscard]] const std::vector<Rule>& rules();

}  // namespace skald::tidy
