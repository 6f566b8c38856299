// What a command is: a name, its arguments, and what it does. commands/table.cc lists them all.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/arguments.h"
#include "cli/backends.h"
#include "cli/console.h"
#include "skald/result.h"

namespace skald::cli {

// What holds for every command.
struct Globals {
    std::vector<std::string> servers;
    bool server_given = false;  // on the command line
    std::chrono::milliseconds timeout{10000};
    // Asked for by name. Else events and receipts are text on a terminal and JSON for everything
    // else, and reports are text.
    bool json = false;
    bool text = false;
    bool quiet = false;
    bool verbose = false;
    std::string key_file;    // of our own secret CURVE key
    std::string server_key;  // the server's public one
};

// One run of one command.
struct Invocation {
    Console& console;
    const Globals& globals;
    const Backends& backends;
    // Set by a command whose output holds its error's object already: once is enough.
    bool* told = nullptr;
    // Set by a command that ends as another program did.
    int* status = nullptr;
};

struct Command {
    std::string name;
    std::string summary;
    std::string example;  // for --help
    std::function<void(Arguments&)> declare;
    std::function<Result<void>(const Invocation&)> run;
    std::vector<Command> children;  // then neither declare nor run
};

// One whose arguments go into an Options: declare(Arguments&, Options&), and then
// run(const Options&, const Invocation&).
template <typename Options, typename Declare, typename Run>
Command command_of(std::string name, std::string summary, std::string example, Declare declare,
                   Run run) {
    auto options = std::make_shared<Options>();
    return {
        .name = std::move(name),
        .summary = std::move(summary),
        .example = std::move(example),
        .declare = [options, declare](Arguments& arguments) { declare(arguments, *options); },
        .run = [options, run](const Invocation& invocation) { return run(*options, invocation); },
        .children = {}};
}

}  // namespace skald::cli
