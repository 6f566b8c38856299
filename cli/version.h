// What this program is.
#pragma once

#include <string>

namespace skald::cli {

// "skald 0.1.0 (1a2b3c4)"; without the parentheses when the build had no commit to name.
std::string version_text();

}  // namespace skald::cli
