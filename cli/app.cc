#include "cli/app.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

namespace skald::cli {
namespace {

void declare_globals(CLI::App& root, GlobalWords& words) {
    Arguments arguments(root);
    arguments.text("-s,--server", "ENDPOINT[,...]", words.servers,
                   "servers to use; default $SKALD_SERVER, else tcp://127.0.0.1:7400");
    arguments.text("-o,--output", "text|json", words.output, "form of the output")
        .one_of({"text", "json"});
    arguments.flag("--json", words.json, "same as --output json");
    arguments.duration("--timeout", "DURATION", words.timeout,
                       "of one request to a server; default 10s");
    arguments
        .text("--key-file", "PATH", words.key_file,
              "own secret key, as `skald keys new` wrote it; default $SKALD_KEY_FILE")
        .path();
    arguments.text("--server-key", "KEY", words.server_key,
                   "the server's public key; default $SKALD_SERVER_KEY");
    arguments.flag("-q,--quiet", words.quiet, "no progress, no summary");
    arguments.flag("-v,--verbose", words.verbose, "say more");
    root.set_version_flag("--version", "", "version and commit");
}

void add_command(CLI::App& parent, const Command& command, Chosen& chosen) {
    CLI::App* app = parent.add_subcommand(command.name, command.summary);
    app->footer("Example:\n  " + command.example);
    if (!command.children.empty()) {
        app->require_subcommand(1);
        for (const Command& child : command.children) {
            add_command(*app, child, chosen);
        }
        return;
    }
    Arguments arguments(*app);
    command.declare(arguments);
    app->callback([&chosen, &command] { chosen.command = &command; });
}

}  // namespace

std::unique_ptr<CLI::App> make_app(const std::vector<Command>& commands, GlobalWords& words,
                                   Chosen& chosen) {
    auto root = std::make_unique<CLI::App>(
        "An event store and message broker: streams of events, stored and followed.", "skald");
    declare_globals(*root, words);
    root->fallthrough();
    root->require_subcommand(1);
    root->footer(
        "Exit status: 0 ok, 1 failure, 2 usage, 3 not found, 4 conflict, 5 unavailable, 6 timed "
        "out.\nExample:\n  skald pub orders-1 --type Placed --data '{\"total\": 12}'");
    for (const Command& command : commands) {
        add_command(*root, command, chosen);
    }
    return root;
}

}  // namespace skald::cli
