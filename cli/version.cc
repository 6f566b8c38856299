#include "cli/version.h"

#include "skald/version.h"

#ifndef SKALD_COMMIT
#define SKALD_COMMIT ""
#endif

namespace skald::cli {

std::string version_text() {
    const std::string commit = SKALD_COMMIT;
    return std::string("skald ") + kVersion + (commit.empty() ? "" : " (" + commit + ")");
}

}  // namespace skald::cli
