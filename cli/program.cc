#include "cli/program.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/near_names.h"
#include "cli/app.h"
#include "cli/event_json.h"
#include "cli/version.h"

namespace skald::cli {
namespace {

constexpr int kUsage = 2;
constexpr const char* kDefaultServer = "tcp://127.0.0.1:7400";

// Splits "a,b" and drops what is empty.
std::vector<std::string> split_list(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        if (comma > 0) {
            parts.emplace_back(text.substr(0, comma));
        }
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return parts;
}

std::string from_environment(const Environment& environment, std::string_view name,
                             std::string otherwise) {
    const auto found = environment.find(name);
    return found == environment.end() || found->second.empty() ? std::move(otherwise)
                                                               : found->second;
}

Globals make_globals(const GlobalWords& words, const Environment& environment) {
    Globals globals;
    globals.server_given = !words.servers.empty();
    globals.servers = split_list(
        globals.server_given ? words.servers
                             : from_environment(environment, "SKALD_SERVER", kDefaultServer));
    if (words.timeout) {
        globals.timeout = std::chrono::ceil<std::chrono::milliseconds>(*words.timeout);
    }
    globals.json = words.json || words.output == "json";
    globals.text = !globals.json && words.output == "text";
    globals.quiet = words.quiet;
    globals.verbose = words.verbose;
    globals.key_file = words.key_file.empty() ? from_environment(environment, "SKALD_KEY_FILE", {})
                                              : words.key_file;
    globals.server_key = words.server_key.empty()
                             ? from_environment(environment, "SKALD_SERVER_KEY", {})
                             : words.server_key;
    return globals;
}

// The innermost command that was named, and its names from the outside in.
const CLI::App* innermost(const CLI::App& root, std::string& names) {
    const CLI::App* app = &root;
    while (!app->get_subcommands().empty()) {
        app = app->get_subcommands().front();
        names += (names.empty() ? "" : " ") + app->get_name();
    }
    return app;
}

void print_help(const CLI::App& root, Console& console) {
    std::string names;
    const CLI::App* app = innermost(root, names);
    const std::size_t own = app->get_name().size();
    const bool nested = !names.empty();
    const std::string before =
        nested ? "skald " + names.substr(0, names.size() - own) : std::string();
    console.out << app->help(before.substr(0, before.find_last_not_of(' ') + 1));
}

std::vector<std::string> option_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* at = &app; at != nullptr; at = at->get_parent()) {
        for (const CLI::Option* option : at->get_options()) {
            for (const std::string& name : option->get_lnames()) {
                names.push_back("--" + name);
            }
        }
    }
    return names;
}

std::vector<std::string> child_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* child : app.get_subcommands({})) {
        names.push_back(child->get_name());
    }
    return names;
}

std::string first_unknown(const CLI::App& root) {
    const std::vector<std::string> left = root.remaining(true);
    const auto found = std::find_if(left.begin(), left.end(),
                                    [](const std::string& word) { return word != "--"; });
    return found == left.end() ? std::string() : *found;
}

// What to say about words that no command takes.
std::string explain_unknown(const CLI::App& at, const std::string& word) {
    if (word.starts_with("-")) {
        const std::string name = word.substr(0, word.find('='));
        return fmt::format("unknown option {}{}", name, did_you_mean(name, option_names(at)));
    }
    const std::vector<std::string> children = child_names(at);
    if (children.empty()) {
        return fmt::format("unexpected argument `{}`", word);
    }
    return fmt::format("unknown command `{}`{}", word, did_you_mean(word, children));
}

std::string one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

void print_error(Console& console, const std::string& what, const Error& error, bool json) {
    console.out.flush();
    console.err << "skald: " << what << (what.empty() ? "" : ": ") << one_line(error.message)
                << '\n';
    console.err.flush();
    if (json) {
        std::string object;
        append_error(object, error);
        console.out << object << '\n';
        console.out.flush();
    }
}

// Of words that could not be parsed: an error in them is still to have the form asked for.
bool wants_json(const std::vector<std::string>& words) {
    for (std::size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
        const std::string& word = words[i];
        const bool named = word == "-o" || word == "--output";
        if (word == "--json" || word == "-ojson" || word == "-o=json" || word == "--output=json" ||
            (named && i + 1 < words.size() && words[i + 1] == "json")) {
            return true;
        }
    }
    return false;
}

int usage_error(Console& console, const CLI::App& root, const CLI::ParseError& problem, bool json) {
    std::string names;
    const CLI::App* at = innermost(root, names);
    const std::string unknown = first_unknown(root);
    std::string message = unknown.empty() || problem.get_name() == "ValidationError"
                              ? problem.what()
                              : explain_unknown(*at, unknown);
    if (unknown.empty() && !child_names(*at).empty()) {
        message = fmt::format("a command is missing: one of {}", fmt::join(child_names(*at), ", "));
    }
    message += fmt::format("; see `skald{}{} --help`", names.empty() ? "" : " ", names);
    print_error(console, names, Error(Errc::invalid_argument, message), json);
    return kUsage;
}

int run_chosen(const Chosen& chosen, const CLI::App& root, const Globals& globals, Console& console,
               const Backends& backends) {
    std::string names;
    innermost(root, names);
    bool told = false;
    int status = 0;
    const Invocation invocation{console, globals, backends, &told, &status};
    Result<void> done = Error(Errc::io_error, "out of memory");
    try {
        done = chosen.command->run(invocation);
    } catch (const std::bad_alloc&) {
        // As the result says already.
    }
    console.out.flush();
    if (done && !console.out) {
        done = Error(Errc::io_error, "standard output cannot be written");
    }
    if (!done) {
        print_error(console, names, done.error(), globals.json && !told);
        return exit_status_of(done.error().code);
    }
    return status;
}

}  // namespace

int run_program(const std::vector<std::string>& words, Console& console, const Backends& backends,
                const std::vector<Command>& commands) {
    GlobalWords global_words;
    Chosen chosen;
    const std::unique_ptr<CLI::App> app = make_app(commands, global_words, chosen);
    try {
        app->parse(std::vector<std::string>(words.rbegin(), words.rend()));
    } catch (const CLI::CallForVersion&) {
        console.out << version_text() << '\n';
        return 0;
    } catch (const CLI::CallForHelp&) {
        print_help(*app, console);
        return 0;
    } catch (const CLI::ParseError& problem) {
        return usage_error(console, *app, problem, wants_json(words));
    }
    const Globals globals = make_globals(global_words, console.environment);
    return run_chosen(chosen, *app, globals, console, backends);
}

}  // namespace skald::cli
