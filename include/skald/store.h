// The embedded event store: a log in this process, in one directory, without a network.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "skald/event_store.h"

namespace skald {

struct StoreOptions {
    std::uint16_t partitions = 1;  // of a new directory, 1-1,024; fixed then
    std::size_t map_bytes = 0;     // address space to reserve; 0: 1 TiB. The log cannot outgrow it
    bool create = true;            // else not_found when the directory holds no log
};

// Opens the log in `directory`, which one process at a time may have open. Errors: already_open,
// not_found, unknown_format, corrupt, read_only, disk_full, io_error. After a failed write every
// call answers store_failed: end the process and open the directory again.
// Subscriptions run their handlers on a thread each. Destroy subscriptions before the store.
Result<std::unique_ptr<EventStore>> open_store(const std::string& directory,
                                               const StoreOptions& options = {});

}  // namespace skald
