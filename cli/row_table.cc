#include "cli/row_table.h"

#include <algorithm>
#include <string_view>

#include "base/json_scanner.h"
#include "cli/event_text.h"

namespace skald::cli {
namespace {

constexpr std::size_t kBetween = 2;

struct Fields {
    std::vector<std::string> names;
    std::vector<std::string> values;
};

std::string shown(std::string_view json) {
    std::string text;
    JsonScanner scanner(json);
    if (json == "null" || scanner.string(text)) {
        return tame(text);
    }
    return tame(json);
}

Fields fields_of(const std::string& row) {
    Fields fields;
    JsonScanner scanner(row);
    std::string name;
    std::string_view value;
    if (!scanner.punctuation('{')) {
        return fields;
    }
    while (scanner.string(name) && scanner.punctuation(':') && scanner.value(value)) {
        fields.names.push_back(name);
        fields.values.push_back(shown(value));
        (void)scanner.punctuation(',');
    }
    return fields;
}

// As a terminal counts: a character each, not a byte.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
}

}  // namespace

std::vector<std::string> row_table(const std::vector<std::string>& rows) {
    std::vector<std::vector<std::string>> cells;
    std::vector<std::size_t> widths;
    for (const std::string& row : rows) {
        Fields fields = fields_of(row);
        if (cells.empty()) {
            cells.push_back(std::move(fields.names));
        }
        cells.push_back(std::move(fields.values));
    }
    for (const auto& line : cells) {
        widths.resize(std::max(widths.size(), line.size()));
        for (std::size_t i = 0; i < line.size(); ++i) {
            widths[i] = std::max(widths[i], width_of(line[i]));
        }
    }
    std::vector<std::string> lines;
    for (const auto& line : cells) {
        std::string text;
        for (std::size_t i = 0; i < line.size(); ++i) {
            text += line[i] + std::string(widths[i] - width_of(line[i]) + kBetween, ' ');
        }
        text.erase(text.find_last_not_of(' ') + 1);
        lines.push_back(std::move(text));
    }
    return lines;
}

}  // namespace skald::cli
