#include "tests/tidy/rules.h"

#include <algorithm>
#include <sstream>

#include "tests/tidy/includes.h"

namespace skald::tidy {
namespace {

constexpr std::size_t kFileLinesMax = 400;
constexpr std::size_t kFunctionLinesMax = 70;
constexpr std::size_t kColumnsMax = 100;

std::string over(std::size_t count, const std::string& unit, std::size_t most) {
    return std::to_string(count) + " " + unit + ", at most " + std::to_string(most);
}

std::string may_not(const std::string& from, const std::string& verb, const std::string& to) {
    return from + " may not " + verb + " " + to;
}

// Folders that are no libraries may include files of their own by a bare name.
bool may_include_bare_names(const std::string& room) {
    return room == "examples" || room == "bench";
}

Findings include_direction(const Tree& tree) {
    Findings found;
    for (const SourceFile& file : tree) {
        const std::string from = room_of(file.path);
        const auto allowed = room_table().find(from);
        if (allowed == room_table().end()) {
            continue;
        }
        for (const Include& include : includes_of(file)) {
            const std::string to = room_of(include.target);
            const bool is_room = room_table().contains(to);
            if (is_room && to != from && !allowed->second.contains(to)) {
                found.push_back({file.path, include.line, may_not(from, "include", to)});
            } else if (include.quoted && !is_room && to != "skald" &&
                       !may_include_bare_names(from)) {
                found.push_back({file.path, include.line, "name it from the top of the tree"});
            }
        }
    }
    return found;
}

// The list of the top CMakeLists.txt links no room that its sources may not include.
Findings link_direction(const Tree& tree) {
    static const std::string call = "skald_add_room(";
    Findings found;
    for (const SourceFile& file : tree) {
        for (std::size_t i = 0; file.path == "CMakeLists.txt" && i < file.lines.size(); ++i) {
            if (!file.lines[i].starts_with(call)) {
                continue;
            }
            std::istringstream words(
                file.lines[i].substr(call.size(), file.lines[i].find(')') - call.size()));
            std::string room;
            words >> room;
            const auto allowed = room_table().find(room);
            if (allowed == room_table().end()) {
                found.push_back({file.path, i + 1, room + " is no room"});
                continue;
            }
            for (std::string link; words >> link;) {
                if (!allowed->second.contains(link)) {
                    found.push_back({file.path, i + 1, may_not(room, "link", link)});
                }
            }
        }
    }
    return found;
}

Findings file_length(const Tree& tree) {
    Findings found;
    for (const SourceFile& file : tree) {
        if (file.is_cpp() && file.lines.size() > kFileLinesMax) {
            found.push_back({file.path, 0, over(file.lines.size(), "lines", kFileLinesMax)});
        }
    }
    return found;
}

// A line in column 0 that can open a function: it has parentheses and is no type, namespace or
// macro.
bool may_open_function(const std::string& line) {
    static const std::vector<std::string> others{"namespace", "struct", "class",        "enum",
                                                 "union",     "using",  "static_assert"};
    if (line.empty() || line.find('(') == std::string::npos ||
        std::string_view(" \t#/}").find(line.front()) != std::string_view::npos) {
        return false;
    }
    return std::none_of(others.begin(), others.end(),
                        [&](const std::string& other) { return line.starts_with(other); });
}

// The line after the signature's last, when a body follows that does not end on it; else 0.
std::size_t body_start(const std::vector<std::string>& code, std::size_t signature) {
    for (std::size_t i = signature; i < code.size(); ++i) {
        const std::size_t last = code[i].find_last_not_of(" \t");
        if (last == std::string::npos) {
            return 0;
        }
        if (code[i][last] == '{') {
            return i + 1;
        }
        if (code[i][last] == ';' || code[i][last] == '}') {
            return 0;
        }
    }
    return 0;
}

Findings function_length(const Tree& tree) {
    Findings found;
    for (const SourceFile& file : tree) {
        for (std::size_t i = 0; file.is_cpp() && i < file.code.size(); ++i) {
            std::size_t end = may_open_function(file.code[i]) ? body_start(file.code, i) : 0;
            if (end == 0) {
                continue;
            }
            while (end < file.code.size() && !file.code[end].starts_with('}')) {
                ++end;
            }
            if (const std::size_t size = end - i + 1; size > kFunctionLinesMax) {
                found.push_back({file.path, i + 1, over(size, "lines", kFunctionLinesMax)});
            }
            i = end;
        }
    }
    return found;
}

// True when `file` is a build file that names `source`, from its own folder or from the top.
bool lists(const SourceFile& file, const std::string& source) {
    const std::size_t slash = file.path.find_last_of('/');
    const std::string folder = slash == std::string::npos ? "" : file.path.substr(0, slash + 1);
    const std::string name = file.path.substr(folder.size());
    if (name == "Makefile") {
        return source.starts_with(folder);
    }
    if (name != "CMakeLists.txt" && !name.ends_with(".cmake")) {
        return false;
    }
    const bool below = name == "CMakeLists.txt" && source.starts_with(folder);
    const std::string from_top = "${PROJECT_SOURCE_DIR}/" + source;
    const std::string from_here = below ? source.substr(folder.size()) : from_top;
    for (const std::string& line : file.lines) {
        std::string words = line.substr(0, line.find('#'));
        std::replace_if(
            words.begin(), words.end(), [](char c) { return c == '(' || c == ')'; }, ' ');
        std::istringstream stream(words);
        for (std::string word; stream >> word;) {
            if (word == from_here || word == from_top) {
                return true;
            }
        }
    }
    return false;
}

Findings unbuilt_sources(const Tree& tree) {
    Findings found;
    for (const SourceFile& file : tree) {
        const bool is_source = file.path.ends_with(".cc") || file.path.ends_with(".cpp");
        if (is_source && std::none_of(tree.begin(), tree.end(), [&](const SourceFile& other) {
                return lists(other, file.path);
            })) {
            found.push_back({file.path, 0, "no CMakeLists.txt lists it"});
        }
    }
    return found;
}

// Characters, not bytes: UTF-8 continuation bytes do not count.
std::size_t columns(const std::string& line) {
    return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    }));
}

Findings line_length(const Tree& tree) {
    Findings found;
    for (const SourceFile& file : tree) {
        for (std::size_t i = 0; !file.is_prose() && i < file.lines.size(); ++i) {
            if (const std::size_t wide = columns(file.lines[i]); wide > kColumnsMax) {
                found.push_back({file.path, i + 1, over(wide, "columns", kColumnsMax)});
            }
        }
    }
    return found;
}

Findings trailing_space(const Tree& tree) {
    Findings found;
    for (const SourceFile& file : tree) {
        for (std::size_t i = 0; i < file.lines.size(); ++i) {
            const std::string& line = file.lines[i];
            if (!line.empty() &&
                std::string_view(" \t\r").find(line.back()) != std::string_view::npos) {
                found.push_back({file.path, i + 1, "ends in white space"});
            }
        }
    }
    return found;
}

}  // namespace

const std::vector<Rule>& rules() {
    static const std::vector<Rule> table{
        {"include direction", include_direction},
        {"link direction", link_direction},
        {"file length", file_length},
        {"function length", function_length},
        {"unbuilt source", unbuilt_sources},
        {"line length", line_length},
        {"trailing space", trailing_space},
    };
    return table;
}

}  // namespace skald::tidy
