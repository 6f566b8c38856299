// The tree of commands as the argument parser holds it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"

namespace CLI {
class App;
}  // namespace CLI

namespace skald::cli {

// The options of every command, as typed.
struct GlobalWords {
    std::string servers;
    std::string output;
    bool json = false;
    bool quiet = false;
    bool verbose = false;
    std::optional<std::chrono::microseconds> timeout;
    std::string key_file;
    std::string server_key;
};

struct Chosen {
    const Command* command = nullptr;
};

// Parsing sets `words` and `chosen`; all three arguments must outlive it.
std::unique_ptr<CLI::App> make_app(const std::vector<Command>& commands, GlobalWords& words,
                                   Chosen& chosen);

// The completion script of a shell, "bash" or "zsh", for these commands.
std::string completion_script(const std::string& shell, const std::vector<Command>& commands);

}  // namespace skald::cli
