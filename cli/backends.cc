#include "cli/backends.h"

#include <malloc.h>

namespace skald::cli {
namespace {

// What a node delivers comes in blocks of up to a megabyte, one after the other: to give each back
// to the system and to have the next made of zeros takes a sixth of the rate.
void keep_freed_blocks() {
#ifdef __GLIBC__
    constexpr int kBlockBytes = 32 << 20;
    mallopt(M_MMAP_THRESHOLD, kBlockBytes);
    mallopt(M_TRIM_THRESHOLD, 8 * kBlockBytes);
#endif
}

Result<std::unique_ptr<EventStore>> connect_to_node(const ClientOptions& options) {
    keep_freed_blocks();
    return connect(options);
}

Result<BackupReport> backup_node(const ClientOptions& options, const std::string& out,
                                 const AdminProgress& progress) {
    auto log = connect_log(options);
    return log ? backup_log(**log, out, progress) : log.error();
}

}  // namespace

Backends real_backends() {
    return {.open = open_store,
            .connect = connect_to_node,
            .connect_services = connect_services,
            .connect_consumers = connect_consumers,
            .connect_coord = coord::connect_coord,
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
