#include "cli/config_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/glob.h"

namespace skald::cli {
namespace {

std::string place_of(const std::string& name, const toml::source_region& region) {
    return fmt::format("{}:{}:{}", name, region.begin.line, region.begin.column);
}

Error wrong(const std::string& place, std::string_view key, std::string_view expected) {
    return {Errc::invalid_argument, fmt::format("{}: {} must be {}", place, key, expected)};
}

std::optional<std::vector<std::string>> strings_of(const toml::array& array) {
    std::vector<std::string> words;
    for (const toml::node& element : array) {
        const auto* text = element.as_string();
        if (text == nullptr) {
            return std::nullopt;
        }
        words.push_back(text->get());
    }
    return words;
}

class Reader {
  public:
    explicit Reader(const std::string& name) : name_(name) {}

    Result<ParsedConfigFile> read(const toml::table& root) && {
        for (const auto& [section, node] : root) {
            const std::string section_name(section.str());
            const toml::table* table = node.as_table();
            if (table == nullptr) {
                return Error(Errc::invalid_argument,
                             fmt::format("{}: `{}` stands outside of a [section]",
                                         place_of(name_, node.source()), section_name));
            }
            if (auto done = read_section(section_name, *table); !done) {
                return done.error();
            }
        }
        return std::move(parsed_);
    }

  private:
    Result<void> read_section(const std::string& section, const toml::table& table) {
        for (const auto& [key, node] : table) {
            const std::string full = section + "." + std::string(key.str());
            auto done = full == kPermissionsKey ? read_permissions(node) : read_value(full, node);
            if (!done) {
                return done;
            }
        }
        return {};
    }

    Result<void> read_value(const std::string& key, const toml::node& node) {
        FileValue value;
        value.key = key;
        value.place = place_of(name_, node.source());
        value.source = fmt::format("{}:{}", name_, node.source().begin.line);
        if (const auto* text = node.as_string()) {
            value.words = {text->get()};
        } else if (const auto* number = node.as_integer()) {
            value.kind = ValueKind::number;
            value.words = {std::to_string(number->get())};
        } else if (const toml::array* array = node.as_array()) {
            auto words = strings_of(*array);
            if (!words) {
                return wrong(value.place, key, name_of(ValueKind::list));
            }
            value.kind = ValueKind::list;
            value.words = std::move(*words);
        } else {
            return wrong(value.place, key, "a string, a whole number or a list of strings");
        }
        parsed_.values.push_back(std::move(value));
        return {};
    }

    Result<void> read_permissions(const toml::node& node) {
        const toml::array* array = node.as_array();
        if (array == nullptr) {
            return wrong(place_of(name_, node.source()), kPermissionsKey, "a list of tables");
        }
        for (const toml::node& element : *array) {
            const toml::table* table = element.as_table();
            if (table == nullptr) {
                return wrong(place_of(name_, element.source()), kPermissionsKey,
                             "a list of tables");
            }
            if (auto read = read_rule(*table); !read) {
                return read;
            }
        }
        return {};
    }

    Result<void> read_rule(const toml::table& table) {
        PermissionRule rule;
        for (const auto& [key, node] : table) {
            const std::string_view name = key.str();
            const std::string place = place_of(name_, node.source());
            const std::string full = fmt::format("{}.{}", kPermissionsKey, name);
            if (name == "key") {
                const auto* text = node.as_string();
                if (text == nullptr) {
                    return wrong(place, full, "a public key or `*`");
                }
                rule.key = text->get();
                continue;
            }
            std::vector<std::string>* globs = name == "read"    ? &rule.read
                                              : name == "write" ? &rule.write
                                              : name == "admin" ? &rule.admin
                                                                : nullptr;
            if (globs == nullptr) {
                return Error(Errc::invalid_argument,
                             fmt::format("{}: unknown key `{}`: known are key, read, write, admin",
                                         place, full));
            }
            const toml::array* array = node.as_array();
            auto words = array == nullptr ? std::nullopt : strings_of(*array);
            if (!words) {
                return wrong(place, full, "a list of stream globs");
            }
            *globs = std::move(*words);
        }
        if (rule.key.empty()) {
            return wrong(place_of(name_, table.source()), kPermissionsKey,
                         "tables with a `key`: a public key or `*`");
        }
        parsed_.permissions.push_back(std::move(rule));
        parsed_.permission_sources.push_back(
            fmt::format("{}:{}", name_, table.source().begin.line));
        return {};
    }

    const std::string& name_;
    ParsedConfigFile parsed_;
};

}  // namespace

std::string_view name_of(ValueKind kind) {
    switch (kind) {
        case ValueKind::text:
            return "a string";
        case ValueKind::number:
            return "a whole number";
        case ValueKind::list:
            return "a list of strings";
    }
    return "something else";
}

Result<ParsedConfigFile> parse_config_file(const std::string& name, std::string_view text) {
    if (!is_utf8(text)) {
        return Error(Errc::invalid_argument, fmt::format("{}: not UTF-8", name));
    }
    try {
        return Reader(name).read(toml::parse(text));
    } catch (const toml::parse_error& problem) {
        return Error(Errc::invalid_argument, fmt::format("{}: {}", place_of(name, problem.source()),
                                                         problem.description()));
    }
}

}  // namespace skald::cli
