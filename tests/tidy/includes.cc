#include "tests/tidy/includes.h"

namespace skald::tidy {
namespace {

// However the directive is spaced.
bool is_include(const std::string& code) {
    const std::size_t hash = code.find_first_not_of(" \t");
    if (hash == std::string::npos || code[hash] != '#') {
        return false;
    }
    const std::size_t word = code.find_first_not_of(" \t", hash + 1);
    return word != std::string::npos && code.compare(word, 7, "include") == 0;
}

}  // namespace

std::vector<Include> includes_of(const SourceFile& file) {
    std::vector<Include> found;
    if (!file.is_cpp()) {
        return found;
    }
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
        const std::string& line = file.lines[i];
        if (!is_include(file.code[i])) {
            continue;
        }
        const std::size_t open = line.find_first_of("<\"");
        const std::size_t close = line.find_last_of(">\"");
        if (open != std::string::npos && close > open) {
            found.push_back({i + 1, line.substr(open + 1, close - open - 1), line[open] == '"'});
        }
    }
    return found;
}

std::string room_of(const std::string& path) {
    const std::size_t slash = path.find('/');
    return slash == std::string::npos ? "" : path.substr(0, slash);
}

const std::map<std::string, std::set<std::string>>& room_table() {
    static const std::set<std::string> all{"base",  "wire",   "store",  "resilience",
                                           "coord", "broker", "client", "cqrs",
                                           "sql",   "saga",   "cli",    "sim"};
    static const std::map<std::string, std::set<std::string>> table{
        {"include", {}},
        {"base", {}},
        {"wire", {"base"}},
        {"store", {"base", "wire"}},
        {"resilience", {"base"}},
        {"coord", {"base", "store"}},
        {"client", {"base", "wire", "resilience"}},
        {"broker", {"base", "wire", "store", "coord", "resilience"}},
        {"cqrs", {"base", "wire", "store"}},
        {"sql", {"base", "wire", "store", "cqrs"}},
        {"saga", {"base", "wire", "store", "cqrs"}},
        {"cli",
         {"base", "wire", "store", "resilience", "coord", "broker", "client", "cqrs", "saga"}},
        {"sim",
         {"base", "wire", "store", "resilience", "coord", "broker", "client", "cqrs", "saga"}},
        {"examples", {}},
        {"bench", all},
        {"tests", all},
    };
    return table;
}

}  // namespace skald::tidy
