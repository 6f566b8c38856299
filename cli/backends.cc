#include "cli/backends.h"

namespace skald::cli {
namespace {

Result<BackupReport> backup_node(const ClientOptions& options, const std::string& out,
                                 const AdminProgress& progress) {
    auto log = connect_log(options);
    return log ? backup_log(**log, out, progress) : log.error();
}

}  // namespace

Backends real_backends() {
    return {.open = open_store,
            .connect = connect,
            .start_node = Node::start,
            .verify = verify_directory,
            .backup = backup_directory,
            .backup_node = backup_node,
            .restore = restore_directory,
            .scavenge = scavenge_directory,
            .scavenge_node = scavenge_node,
            .info = directory_info};
}

}  // namespace skald::cli
