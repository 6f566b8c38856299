// The program: words in, exit status out.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace skald::cli {

// `words` without the program's own name. Never throws; every error becomes one line on console.err
// (with --json also an object on console.out) and an exit status of surface.md.
int run_program(const std::vector<std::string>& words, Console& console, const Backends& backends,
                const std::vector<Command>& commands);

}  // namespace skald::cli
