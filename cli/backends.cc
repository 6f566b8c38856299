#include "cli/backends.h"

namespace skald::cli {

Backends real_backends() {
    return {.open = open_store,
            .connect = connect,
            .start_node = Node::start,
            .verify = verify_directory,
            .backup = backup_directory,
            .restore = restore_directory,
            .scavenge = scavenge_directory,
            .info = directory_info};
}

}  // namespace skald::cli
