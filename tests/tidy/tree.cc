#include "tests/tidy/tree.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <utility>

namespace skald::tidy {
namespace {

namespace fs = std::filesystem;

// Blanks what the compiler does not read as code. One instance reads one file, once.
class Blanker {
  public:
    explicit Blanker(std::string_view text) : text_(text), out_(text) {}

    std::string run() && {
        while (at_ < text_.size()) {
            step();
        }
        return std::move(out_);
    }

  private:
    void step() {
        if (starts("//")) {
            blank_until("\n", 0);
        } else if (starts("/*")) {
            blank_until("*/", 2);
        } else if (starts("R\"") && !after_word()) {
            blank_raw_string();
        } else if (text_[at_] == '"') {
            blank_quoted('"');
        } else if (text_[at_] == '\'' && !after_word()) {
            blank_quoted('\'');
        } else {
            ++at_;
        }
    }

    [[nodiscard]] bool starts(std::string_view what) const {
        return text_.substr(at_, what.size()) == what;
    }

    // A quote after a digit separates digits; an R after a letter ends a name.
    [[nodiscard]] bool after_word() const {
        return at_ > 0 && (std::isalnum(static_cast<unsigned char>(text_[at_ - 1])) != 0 ||
                           text_[at_ - 1] == '_');
    }

    void blank_to(std::size_t end) {
        for (; at_ < std::min(end, text_.size()); ++at_) {
            if (text_[at_] != '\n') {
                out_[at_] = ' ';
            }
        }
    }

    void blank_until(std::string_view end, std::size_t end_size) {
        const std::size_t found = text_.find(end, at_);
        blank_to(found == std::string_view::npos ? text_.size() : found + end_size);
    }

    void blank_raw_string() {
        const std::size_t open = text_.find('(', at_);
        if (open == std::string_view::npos) {
            ++at_;
            return;
        }
        const std::string end = ")" + std::string(text_.substr(at_ + 2, open - at_ - 2)) + "\"";
        blank_until(end, end.size());
    }

    void blank_quoted(char quote) {
        std::size_t end = at_ + 1;
        while (end < text_.size() && text_[end] != quote && text_[end] != '\n') {
            end += text_[end] == '\\' ? 2 : 1;
        }
        ++at_;
        blank_to(end);
        ++at_;
    }

    std::string_view text_;
    std::string out_;
    std::size_t at_ = 0;
};

std::vector<std::string> split_lines(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

bool ends_with_any(std::string_view path, std::initializer_list<std::string_view> endings) {
    return std::any_of(endings.begin(), endings.end(),
                       [path](std::string_view ending) { return path.ends_with(ending); });
}

bool is_ours(const fs::path& file) {
    const std::string name = file.filename().string();
    return name == "run" || name == "Makefile" ||
           ends_with_any(name, {".cc", ".cpp", ".h", ".hpp", ".fbs", ".cmake", ".txt", ".in", ".sh",
                                ".py", ".md", ".toml", ".json"});
}

bool is_skipped(const fs::path& directory) {
    const std::string name = directory.filename().string();
    return name == "build" || name == "corpus" || name == "testdata" || name == "__pycache__" ||
           (name.starts_with('.') && name != ".ci");
}

std::string read_text(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

SourceFile::SourceFile(std::string path_in, std::string_view text)
    : path(std::move(path_in)), lines(split_lines(text)), code(lines) {
    if (is_cpp()) {
        code = split_lines(Blanker(text).run());
    }
}

bool SourceFile::is_cpp() const {
    return ends_with_any(path, {".cc", ".cpp", ".h", ".hpp"});
}

bool SourceFile::is_prose() const {
    return ends_with_any(path, {".md", ".json"});
}

bool SourceFile::under(const std::vector<std::string>& prefixes) const {
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [this](const std::string& prefix) { return path.starts_with(prefix); });
}

Tree read_tree(const fs::path& top) {
    Tree tree;
    for (auto entry = fs::recursive_directory_iterator(top);
         entry != fs::recursive_directory_iterator(); ++entry) {
        if (entry->is_directory() && is_skipped(entry->path())) {
            entry.disable_recursion_pending();
        } else if (entry->is_regular_file() && is_ours(entry->path())) {
            tree.emplace_back(fs::relative(entry->path(), top).generic_string(),
                              read_text(entry->path()));
        }
    }
    std::sort(tree.begin(), tree.end(),
              [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
    return tree;
}

}  // namespace skald::tidy
