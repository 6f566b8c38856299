#include "cqrs/declared_toml.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/glob.h"
#include "base/json_string.h"
#include "base/near_names.h"
#include "cqrs/limits.h"
#include "skald/cqrs/declared.h"

namespace skald::cqrs {
namespace {

constexpr std::size_t kShownBytesMax = 60;

Result<void> append_json(std::string& out, const toml::node& node);

Result<void> append_list(std::string& out, const toml::array& array) {
    out += '[';
    for (const toml::node& item : array) {
        out += out.back() == '[' ? "" : ",";
        if (auto ok = append_json(out, item); !ok) {
            return ok;
        }
    }
    out += ']';
    return {};
}

Result<void> append_object(std::string& out, const toml::table& table) {
    bool first = true;
    for (const auto& [key, value] : table) {
        out += first ? '{' : ',';
        first = false;
        append_json_string(out, key.str());
        out += ':';
        if (auto ok = append_json(out, value); !ok) {
            return ok;
        }
    }
    out += first ? "{}" : "}";
    return {};
}

Result<void> append_json(std::string& out, const toml::node& node) {
    if (const auto* text = node.as_string()) {
        append_json_string(out, text->get());
    } else if (const auto* integer = node.as_integer()) {
        out += std::to_string(integer->get());
    } else if (const auto* flag = node.as_boolean()) {
        out += flag->get() ? "true" : "false";
    } else if (const auto* list = node.as_array()) {
        return append_list(out, *list);
    } else if (const auto* table = node.as_table()) {
        return append_object(out, *table);
    } else if (const auto* number = node.as_floating_point();
               number != nullptr && std::isfinite(number->get())) {
        out += fmt::format("{}", number->get());
    } else {
        return Error(Errc::invalid_argument, "a value that JSON has; a time is a string");
    }
    return {};
}

// Of the string that begins at a quote: its last byte. One that does not end, ends with its line.
std::size_t end_of_string(std::string_view text, std::size_t at) {
    const char quote = text[at];
    const std::string thrice(3, quote);
    const bool spans_lines = text.substr(at, 3) == thrice;
    const std::string_view mark = std::string_view(thrice).substr(0, spans_lines ? 3 : 1);
    for (at += mark.size(); at < text.size(); ++at) {
        if (text[at] == '\\' && quote == '"') {
            ++at;
        } else if (text[at] == '\n' && !spans_lines) {
            return at - 1;
        } else if (text.substr(at, mark.size()) == mark) {
            at += mark.size() - 1;
            // Up to two quotes more are of the string.
            for (int i = 0; spans_lines && i < 2 && text.substr(at + 1, 1) == mark.substr(0, 1);
                 ++i) {
                ++at;
            }
            return at;
        }
    }
    return text.size() - 1;
}

// Where a key has too many dots. What they nest is parsed and freed by recursion.
std::optional<std::size_t> deep_key(std::string_view text) {
    constexpr std::string_view kBetweenKeys = "=,[]{}\n";
    std::size_t dots = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '#') {
            at = std::min(text.find('\n', at), text.size()) - 1;
        } else if (c == '"' || c == '\'') {
            at = end_of_string(text, at);
        } else if (kBetweenKeys.find(c) != std::string_view::npos) {
            dots = 0;
        } else if (c == '.' && ++dots > limits::kDeclaredKeyDotsMax) {
            return at;
        }
    }
    return std::nullopt;
}

// Of a byte, lines and columns from 1.
toml::source_region place_of(std::string_view text, std::size_t at) {
    const std::string_view before = text.substr(0, at);
    const auto lines = std::count(before.begin(), before.end(), '\n');
    const std::size_t begin = before.rfind('\n') + 1;  // from 0 without one
    toml::source_region place;
    place.begin.line = static_cast<toml::source_index>(lines + 1);
    place.begin.column = static_cast<toml::source_index>(at - begin + 1);
    return place;
}

bool comes_before(const toml::key& a, const toml::key& b) {
    const auto& left = a.source().begin;
    const auto& right = b.source().begin;
    return left.line != right.line ? left.line < right.line : left.column < right.column;
}

}  // namespace

std::vector<std::pair<toml::key, const toml::node*>> in_order(const toml::table& table) {
    std::vector<std::pair<toml::key, const toml::node*>> entries;
    for (const auto& [key, node] : table) {
        entries.emplace_back(key, &node);
    }
    std::sort(entries.begin(), entries.end(),
              [](const auto& a, const auto& b) { return comes_before(a.first, b.first); });
    return entries;
}

Result<std::string> json_of(const toml::node& node) {
    std::string json;
    auto ok = append_json(json, node);
    return ok ? Result<std::string>(std::move(json)) : ok.error();
}

std::string found_in(const toml::node& node) {
    if (node.is_table()) {
        return "a table";
    }
    if (node.is_array()) {
        return "a list";
    }
    const auto json = json_of(node);
    const std::string text = json ? std::string(utf8_prefix(*json, kShownBytesMax)) : std::string();
    if (node.is_string()) {
        return "the string " + text;
    }
    return json ? text : "a date";
}

Result<toml::table> TomlFile::parse(std::string_view text) const {
    if (text.size() > kDeclarationBytesMax) {
        return Error(Errc::invalid_argument,
                     fmt::format("{}: longer than {} bytes", name_, kDeclarationBytesMax));
    }
    if (!is_utf8(text)) {
        return Error(Errc::invalid_argument, fmt::format("{}: not UTF-8", name_));
    }
    if (const auto dot = deep_key(text)) {
        return at(place_of(text, *dot),
                  fmt::format("a key has at most {} dots", limits::kDeclaredKeyDotsMax));
    }
    try {
        return toml::parse(text);
    } catch (const toml::parse_error& problem) {
        return at(problem.source(), problem.description());
    }
}

Error TomlFile::at(const toml::source_region& place, std::string_view message) const {
    return {Errc::invalid_argument,
            fmt::format("{}:{}:{}: {}", name_, place.begin.line, place.begin.column, message)};
}

Error TomlFile::wrong(const toml::node& node, std::string_view what,
                      std::string_view expected) const {
    return at(node.source(),
              fmt::format("`{}` must be {}, found {}", what, expected, found_in(node)));
}

Error TomlFile::lacks(const toml::table& table, std::string_view what,
                      std::string_view expected) const {
    return at(table.source(), fmt::format("`{}` is missing: expected {}", what, expected));
}

Result<void> TomlFile::check_keys(const toml::table& table, std::string_view inside,
                                  const std::vector<std::string>& known) const {
    for (const auto& [key, node] : table) {
        if (std::find(known.begin(), known.end(), key.str()) != known.end()) {
            continue;
        }
        std::string message = fmt::format("unknown key `{}{}`", inside, key.str());
        message += did_you_mean(key.str(), known);
        std::string all;
        for (const std::string& name : known) {
            all += (all.empty() ? "" : ", ") + name;
        }
        return at(key.source(), fmt::format("{}{} known are {}", message,
                                            message.ends_with('?') ? "" : ":", all));
    }
    return {};
}

Result<std::string> TomlFile::text(const toml::node& node, std::string_view what,
                                   std::string_view expected) const {
    const auto* text = node.as_string();
    return text != nullptr ? Result<std::string>(text->get()) : wrong(node, what, expected);
}

Result<bool> TomlFile::boolean(const toml::node& node, std::string_view what) const {
    const auto* flag = node.as_boolean();
    return flag != nullptr ? Result<bool>(flag->get()) : wrong(node, what, "true or false");
}

Result<std::vector<std::string>> TomlFile::texts(const toml::node& node, std::string_view what,
                                                 std::size_t most) const {
    const std::string expected = fmt::format("a string or a list of 1 to {} strings", most);
    std::vector<std::string> texts;
    if (const auto* text = node.as_string()) {
        texts.push_back(text->get());
    }
    if (const auto* list = node.as_array()) {
        for (const toml::node& item : *list) {
            const auto* text = item.as_string();
            if (text == nullptr || text->get().empty()) {
                return wrong(item, what, expected);
            }
            texts.push_back(text->get());
        }
    }
    const bool is_long = std::any_of(texts.begin(), texts.end(), [](const std::string& text) {
        return text.size() > skald::limits::kGlobBytesMax;
    });
    if (is_long) {
        return wrong(node, what,
                     fmt::format("at most {} bytes long", skald::limits::kGlobBytesMax));
    }
    const bool good = !texts.empty() && texts.size() <= most && !texts.front().empty();
    return good ? Result<std::vector<std::string>>(std::move(texts)) : wrong(node, what, expected);
}

Result<std::vector<const toml::table*>> TomlFile::tables(const toml::node& node,
                                                         std::string_view what,
                                                         std::size_t most) const {
    const std::string expected = fmt::format("tables: at most {} of [[{}]]", most, what);
    const auto* list = node.as_array();
    if (list == nullptr || list->size() > most) {
        return wrong(node, what, expected);
    }
    std::vector<const toml::table*> tables;
    for (const toml::node& item : *list) {
        if (!item.is_table()) {
            return wrong(item, what, expected);
        }
        tables.push_back(item.as_table());
    }
    return tables;
}

}  // namespace skald::cqrs
