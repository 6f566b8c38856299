#include "cli/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "base/json_string.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/near_names.h"
#include "cli/config_file.h"
#include "cli/json_writer.h"

namespace skald::cli {
namespace {

using Words = std::vector<std::string>;

constexpr std::uint64_t kMapBytesMin = 64 * limits::kMiB;
constexpr std::uint64_t kMapBytesMax = 64 * 1024 * limits::kGiB;  // of 47 bits of address space
constexpr std::uint64_t kCountMax = 1'000'000;
constexpr std::uint64_t kBytesMin = 2 * limits::kRequestBytesMax;  // else the largest never fits
constexpr std::uint64_t kBytesMax = 1024 * limits::kGiB;

// A setter returns what was expected instead, or nothing.
using Expectation = std::optional<std::string>;
struct Field {
    std::string_view key;
    ValueKind kind;
    Expectation (*set)(ServeConfig&, const Words&);
    std::string (*print)(const ServeConfig&);
};

std::string quoted(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

std::string quoted_list(const Words& words) {
    std::string out = "[";
    for (const std::string& word : words) {
        out += (out.size() > 1 ? ", " : "") + quoted(word);
    }
    return out + "]";
}

template <std::string ServeConfig::*member>
Expectation set_text(ServeConfig& config, const Words& words) {
    config.*member = words[0];
    return std::nullopt;
}

template <std::string ServeConfig::*member>
std::string print_text(const ServeConfig& config) {
    return quoted(config.*member);
}

template <Words ServeConfig::*member>
Expectation set_list(ServeConfig& config, const Words& words) {
    config.*member = words;
    return std::nullopt;
}

template <Words ServeConfig::*member>
std::string print_list(const ServeConfig& config) {
    return quoted_list(config.*member);
}

Expectation set_data(ServeConfig& config, const Words& words) {
    config.data = words[0];
    return config.data.empty() ? Expectation("a directory's name") : std::nullopt;
}

template <std::uint64_t ServeConfig::*member, std::uint64_t low, std::uint64_t high>
Expectation set_number(ServeConfig& config, const Words& words) {
    const std::string& word = words[0];
    const char* const end = word.data() + word.size();
    const auto [stop, problem] = std::from_chars(word.data(), end, config.*member);
    const bool good =
        problem == std::errc{} && stop == end && config.*member >= low && config.*member <= high;
    return good ? std::nullopt : Expectation(fmt::format("a number from {} to {}", low, high));
}

template <std::uint64_t ServeConfig::*member>
std::string print_number(const ServeConfig& config) {
    return std::to_string(config.*member);
}

template <std::uint64_t ServeConfig::*member, std::uint64_t low, std::uint64_t high>
constexpr Field number(std::string_view key) {
    return {key, ValueKind::number, set_number<member, low, high>, print_number<member>};
}

Expectation set_log_format(ServeConfig& config, const Words& words) {
    config.log_format = words[0];
    return parse_log_format(words[0]) ? std::nullopt : Expectation("text or json");
}

Expectation set_log_level(ServeConfig& config, const Words& words) {
    config.log_level = words[0];
    return parse_log_level(words[0]) ? std::nullopt : Expectation("debug, info, warning or error");
}

constexpr std::array kFields{
    Field{"node.data", ValueKind::text, set_data, print_text<&ServeConfig::data>},
    number<&ServeConfig::partitions, 1, limits::kPartitionsMax>("node.partitions"),
    number<&ServeConfig::map_bytes, kMapBytesMin, kMapBytesMax>("node.map_bytes"),
    Field{"listen.clients", ValueKind::list, set_list<&ServeConfig::listen>,
          print_list<&ServeConfig::listen>},
    Field{"listen.http", ValueKind::text, set_text<&ServeConfig::http>,
          print_text<&ServeConfig::http>},
    Field{"security.secret_key_file", ValueKind::text, set_text<&ServeConfig::secret_key_file>,
          print_text<&ServeConfig::secret_key_file>},
    Field{"security.clients", ValueKind::list, set_list<&ServeConfig::clients>,
          print_list<&ServeConfig::clients>},
    number<&ServeConfig::sessions, 1, kCountMax>("limits.sessions"),
    number<&ServeConfig::subscriptions, 1, kCountMax>("limits.subscriptions"),
    number<&ServeConfig::request_bytes_in_flight, kBytesMin, kBytesMax>(
        "limits.request_bytes_in_flight"),
    number<&ServeConfig::session_bytes_in_flight, kBytesMin, kBytesMax>(
        "limits.session_bytes_in_flight"),
    number<&ServeConfig::session_requests_in_flight, 1, kCountMax>(
        "limits.session_requests_in_flight"),
    number<&ServeConfig::send_bytes_queued, kBytesMin, kBytesMax>("limits.send_bytes_queued"),
    number<&ServeConfig::expiry_ms, 1000, 3'600'000>("limits.expiry_ms"),
    Field{"log.format", ValueKind::text, set_log_format, print_text<&ServeConfig::log_format>},
    Field{"log.level", ValueKind::text, set_log_level, print_text<&ServeConfig::log_level>},
};

const Field* find_field(std::string_view key) {
    const auto found = std::find_if(kFields.begin(), kFields.end(),
                                    [key](const Field& field) { return field.key == key; });
    return found == kFields.end() ? nullptr : &*found;
}

std::vector<std::string> known_keys() {
    std::vector<std::string> keys;
    for (const Field& field : kFields) {
        keys.emplace_back(field.key);
    }
    keys.emplace_back(kPermissionsKey);
    return keys;
}

Error unknown_key(std::string_view where, std::string_view key) {
    return {Errc::invalid_argument,
            fmt::format("{}: unknown key `{}`{}", where, key, did_you_mean(key, known_keys()))};
}

Words split_words(std::string_view text) {
    Words words;
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        if (comma > 0) {
            words.emplace_back(text.substr(0, comma));
        }
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return words;
}

class Loader {
  public:
    Loader() {
        for (const Field& field : kFields) {
            loaded_.settings.push_back({std::string(field.key), "", "default"});
        }
    }

    Result<void> set(std::string_view key, const Words& words, const std::string& source,
                     std::string_view where) {
        const Field* field = find_field(key);
        if (field == nullptr) {
            return unknown_key(where, key);
        }
        if (const Expectation expected = field->set(loaded_.config, words)) {
            return Error(Errc::invalid_argument,
                         fmt::format("{}: {} must be {}", where, key, *expected));
        }
        loaded_.settings[static_cast<std::size_t>(field - kFields.data())].source = source;
        return {};
    }

    void set_permissions(std::vector<PermissionRule> rules, std::vector<std::string> sources) {
        loaded_.config.permissions = std::move(rules);
        loaded_.permission_sources = std::move(sources);
    }

    LoadedConfig finish() && {
        for (std::size_t i = 0; i < kFields.size(); ++i) {
            loaded_.settings[i].value = kFields[i].print(loaded_.config);
        }
        return std::move(loaded_);
    }

  private:
    LoadedConfig loaded_;
};

Result<void> apply_file(Loader& loader, const ConfigFile& file) {
    auto parsed = parse_config_file(file.name, file.text);
    if (!parsed) {
        return parsed.error();
    }
    for (const FileValue& value : parsed->values) {
        const Field* field = find_field(value.key);
        if (field == nullptr) {
            return unknown_key(value.place, value.key);
        }
        if (value.kind != field->kind &&
            !(field->kind == ValueKind::list && value.kind == ValueKind::text)) {
            return Error(Errc::invalid_argument, fmt::format("{}: {} must be {}", value.place,
                                                             value.key, name_of(field->kind)));
        }
        if (auto set = loader.set(value.key, value.words, value.source, value.place); !set) {
            return set;
        }
    }
    loader.set_permissions(std::move(parsed->permissions), std::move(parsed->permission_sources));
    return {};
}

// SKALD_SECTION__KEY -> section.key; nothing for other variables.
std::optional<std::string> key_of_variable(std::string_view name) {
    static constexpr std::string_view kPrefix = "SKALD_";
    const std::size_t split = name.find("__");
    if (!name.starts_with(kPrefix) || split == std::string_view::npos || split < kPrefix.size()) {
        return std::nullopt;
    }
    std::string key(name.substr(kPrefix.size(), split - kPrefix.size()));
    key += '.';
    key += name.substr(split + 2);
    std::transform(key.begin(), key.end(), key.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return key;
}

Result<void> apply_environment(Loader& loader, const Environment& environment) {
    for (const auto& [name, text] : environment) {
        const auto key = key_of_variable(name);
        if (!key) {
            continue;
        }
        const std::string where = "environment variable " + name;
        if (*key == kPermissionsKey) {
            return Error(Errc::invalid_argument,
                         fmt::format("{}: permissions are read from a file only", where));
        }
        const Field* field = find_field(*key);
        const bool list = field != nullptr && field->kind == ValueKind::list;
        const Words words = list ? split_words(text) : Words{text};
        if (auto set = loader.set(*key, words, "$" + name, where); !set) {
            return set;
        }
    }
    return {};
}

Result<void> apply_flags(Loader& loader, const std::vector<FlagValue>& flags) {
    for (const FlagValue& flag : flags) {
        Words words;
        const Field* field = find_field(flag.key);
        const bool list = field != nullptr && field->kind == ValueKind::list;
        for (const std::string& word : flag.words) {
            const Words parts = list ? split_words(word) : Words{word};
            words.insert(words.end(), parts.begin(), parts.end());
        }
        if (auto set = loader.set(flag.key, words, flag.flag, flag.flag); !set) {
            return set;
        }
    }
    return {};
}

void print_permissions(std::string& text, const LoadedConfig& loaded) {
    for (std::size_t i = 0; i < loaded.config.permissions.size(); ++i) {
        const PermissionRule& rule = loaded.config.permissions[i];
        text +=
            fmt::format("\n[[{}]]  # {}\nkey = {}\nread = {}\nwrite = {}\nadmin = {}\n",
                        kPermissionsKey, loaded.permission_sources[i], quoted(rule.key),
                        quoted_list(rule.read), quoted_list(rule.write), quoted_list(rule.admin));
    }
}

}  // namespace

Result<LoadedConfig> load_config(const ConfigInputs& inputs) {
    Loader loader;
    if (inputs.file) {
        if (auto applied = apply_file(loader, *inputs.file); !applied) {
            return applied.error();
        }
    }
    if (auto applied = apply_environment(loader, inputs.environment); !applied) {
        return applied.error();
    }
    if (auto applied = apply_flags(loader, inputs.flags); !applied) {
        return applied.error();
    }
    return std::move(loader).finish();
}

std::string print_config(const LoadedConfig& loaded) {
    std::string text;
    std::string section;
    for (const Setting& setting : loaded.settings) {
        const std::size_t dot = setting.key.find('.');
        if (setting.key.substr(0, dot) != section) {
            section = setting.key.substr(0, dot);
            text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", section);
        }
        text += fmt::format("{} = {}  # {}\n", setting.key.substr(dot + 1), setting.value,
                            setting.source);
    }
    print_permissions(text, loaded);
    return text;
}

std::string config_json(const LoadedConfig& loaded) {
    std::string text;
    JsonWriter json(text);
    json.begin_object();
    for (const Setting& setting : loaded.settings) {
        json.key(setting.key).begin_object().key("value").raw(setting.value);
        json.field("source", setting.source).end_object();
    }
    json.key(kPermissionsKey).begin_array();
    for (std::size_t i = 0; i < loaded.config.permissions.size(); ++i) {
        const PermissionRule& rule = loaded.config.permissions[i];
        json.begin_object().field("key", rule.key);
        json.key("read").raw(quoted_list(rule.read));
        json.key("write").raw(quoted_list(rule.write));
        json.key("admin").raw(quoted_list(rule.admin));
        json.field("source", loaded.permission_sources[i]).end_object();
    }
    json.end_array().end_object();
    return text;
}

}  // namespace skald::cli
