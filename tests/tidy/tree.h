// The text of the repository, as the rules of tests/tidy/rules.h read it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace skald::tidy {

struct SourceFile {
    SourceFile(std::string path, std::string_view text);

    [[nodiscard]] bool is_cpp() const;
    [[nodiscard]] bool is_prose() const;
    // True when the path starts with one of these.
    [[nodiscard]] bool under(const std::vector<std::string>& prefixes) const;

    std::string path;                // from the top of the tree, with '/'
    std::vector<std::string> lines;  // as written
    // The same lines; in C++ with comments and the inside of literals blanked, columns kept.
    std::vector<std::string> code;
};

using Tree = std::vector<SourceFile>;

// Every file of ours below `top`: sources, scripts, build files and prose; no build output.
[[nodiscard]] Tree read_tree(const std::filesystem::path& top);

}  // namespace skald::tidy
