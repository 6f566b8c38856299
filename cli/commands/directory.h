// Commands on one data directory that nobody else has open.
#pragma once

#include <functional>
#include <string>

#include "cli/command.h"

namespace skald::cli {

// `NAME DIR`; `run` gets the directory.
Command directory_command(std::string name, std::string summary,
                          std::function<Result<void>(const std::string&, const Invocation&)> run);

}  // namespace skald::cli
