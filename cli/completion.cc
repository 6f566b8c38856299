#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>

#include "cli/app.h"

namespace skald::cli {
namespace {

// What can follow one command.
struct Place {
    std::string path;  // " stream info"; empty for the program itself
    std::vector<std::pair<std::string, std::string>> commands;  // with their summaries
    std::vector<std::pair<std::string, std::string>> options;   // with their help
    std::vector<std::string> words;                             // of arguments by place
};

// Words that may follow an option; "PATH" for a file.
struct Value {
    std::string option;
    std::string words;
};

std::string one_phrase(std::string text) {
    for (char& c : text) {
        if (c == '\'' || c == '\n' || c == '[' || c == ']') {
            c = ' ';
        }
    }
    return text;
}

// The words among what a kind of values lists: of "any|none|N" the first two.
std::string listed_words(const std::string& kind) {
    std::string words;
    std::istringstream parts(kind);
    for (std::string part; kind.find('|') != std::string::npos && std::getline(parts, part, '|');) {
        if (std::all_of(part.begin(), part.end(), [](char c) { return c >= 'a' && c <= 'z'; })) {
            words += (words.empty() ? "" : " ") + part;
        }
    }
    return words;
}

void add_options(Place& place, std::vector<Value>& values, const CLI::App& app) {
    for (const CLI::Option* option : app.get_options()) {
        const std::string kind = option->get_type_name();
        const std::string words = kind == "PATH" ? kind : listed_words(kind);
        if (option->get_positional() && !words.empty() && words != "PATH") {
            place.words.push_back(words);
        }
        std::vector<std::string> names;
        for (const std::string& name : option->get_lnames()) {
            place.options.emplace_back("--" + name, one_phrase(option->get_description()));
            names.push_back("--" + name);
        }
        for (const std::string& name : option->get_snames()) {
            names.push_back("-" + name);
        }
        for (const std::string& name : names) {
            if (!words.empty()) {
                values.push_back({place.path + ":" + name, words});
            }
        }
    }
}

using Described = std::vector<std::pair<std::string, std::string>>;

void add_missing(Described& options, const Described& more) {
    for (const auto& option : more) {
        const bool there = std::any_of(options.begin(), options.end(), [&](const auto& known) {
            return known.first == option.first;
        });
        if (!there) {
            options.push_back(option);
        }
    }
}

void walk(const CLI::App& app, const std::string& path, std::vector<Place>& places,
          std::vector<Value>& values) {
    Place place{path, {}, {}, {}};
    add_options(place, values, app);
    for (const CLI::App* child : app.get_subcommands({})) {
        place.commands.emplace_back(child->get_name(), one_phrase(child->get_description()));
    }
    if (!places.empty()) {
        // Those of the program may stand behind a command as well.
        add_missing(place.options, places.front().options);
    }
    places.push_back(std::move(place));
    for (const CLI::App* child : app.get_subcommands({})) {
        walk(*child, path + " " + child->get_name(), places, values);
    }
}

std::string path_patterns(const std::vector<Place>& places) {
    std::vector<std::string> paths;
    for (const Place& place : places) {
        if (!place.path.empty()) {
            paths.push_back("'" + place.path + "'");
        }
    }
    return fmt::format("{}", fmt::join(paths, "|"));
}

// The same option means the same for a command and those below it, or is named with its path.
std::string value_pattern(const Value& value) {
    return value.option.starts_with(":") ? "*" + value.option : "'" + value.option + "'";
}

std::string bash_script(const std::vector<Place>& places, const std::vector<Value>& values) {
    std::string script = fmt::format(R"(# bash completion for skald
_skald() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} at= words= i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$at ${{COMP_WORDS[i]}}" in {}) at="$at ${{COMP_WORDS[i]}}" ;; esac
    done
    case "$at:$prev" in
)",
                                     path_patterns(places));
    for (const Value& value : values) {
        const std::string reply = value.words == "PATH"
                                      ? R"(compgen -f -- "$cur")"
                                      : fmt::format(R"(compgen -W '{}' -- "$cur")", value.words);
        script += fmt::format("        {}) mapfile -t COMPREPLY < <({}); return ;;\n",
                              value_pattern(value), reply);
    }
    script += "    esac\n    case \"$at\" in\n";
    for (const Place& place : places) {
        std::vector<std::string> words = place.words;
        for (const auto& [name, help] : place.commands) {
            words.push_back(name);
        }
        std::vector<std::string> options;
        for (const auto& [name, help] : place.options) {
            options.push_back(name);
        }
        script += fmt::format(
            "        '{}') if [[ $cur == -* ]]; then words='{}'; else words='{}'; fi ;;\n",
            place.path, fmt::join(options, " "), fmt::join(words, " "));
    }
    script +=
        "    esac\n"
        "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
        "}\n"
        "complete -o default -F _skald skald";
    return script;
}

// A colon ends a name in the lists of _describe.
std::string escaped_colons(const std::string& text) {
    std::string escaped;
    for (const char c : text) {
        escaped += c == ':' ? "\\:" : std::string(1, c);
    }
    return escaped;
}

std::string zsh_list(const std::vector<std::pair<std::string, std::string>>& entries) {
    std::string list;
    for (const auto& [name, help] : entries) {
        list += fmt::format(" '{}:{}'", name, escaped_colons(help));
    }
    return list;
}

std::string zsh_script(const std::vector<Place>& places, const std::vector<Value>& values) {
    std::string script = fmt::format(R"(#compdef skald
_skald() {{
    local at= word
    local -a commands options values
    for word in "${{(@)words[2,CURRENT-1]}}"; do
        case "$at $word" in {}) at="$at $word" ;; esac
    done
    case "$at:${{words[CURRENT-1]}}" in
)",
                                     path_patterns(places));
    for (const Value& value : values) {
        const std::string reply =
            value.words == "PATH" ? "_files" : fmt::format("compadd -- {}", value.words);
        script += fmt::format("        {}) {}; return ;;\n", value_pattern(value), reply);
    }
    script += "    esac\n    case \"$at\" in\n";
    for (const Place& place : places) {
        script += fmt::format(
            "        '{}')\n            commands=({} )\n            options=({} )\n"
            "            values=({}) ;;\n",
            place.path, zsh_list(place.commands), zsh_list(place.options),
            fmt::join(place.words, " "));
    }
    script += R"(    esac
    if [[ ${words[CURRENT]} == -* ]]; then
        _describe -o option options
    elif (( $#commands )); then
        _describe command commands
    elif (( $#values )); then
        compadd -- $values
    else
        _files
    fi
}
compdef _skald skald)";
    return script;
}

}  // namespace

std::string completion_script(const std::string& shell, const std::vector<Command>& commands) {
    GlobalWords words;
    Chosen chosen;
    const std::unique_ptr<CLI::App> app = make_app(commands, words, chosen);
    std::vector<Place> places;
    std::vector<Value> values;
    walk(*app, "", places, values);
    return shell == "zsh" ? zsh_script(places, values) : bash_script(places, values);
}

}  // namespace skald::cli
