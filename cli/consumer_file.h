// The settings of a durable consumer as a file, TOML (docs/cli.md).
#pragma once

#include <string>
#include <string_view>

#include "skald/consumers.h"

namespace skald::cli {

// invalid_argument with file, line, column and what was expected.
Result<ConsumerSettings> parse_consumer_file(const std::string& file, std::string_view text);

}  // namespace skald::cli
