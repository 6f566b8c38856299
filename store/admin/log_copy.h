// Copies a log, from wherever its batches come, into a new data directory (rule L8).
//
// How far it goes is fixed before the first batch comes, in all partitions. A batch may hold holes
// that were made since then, for which a later record is the reason: whenever one with holes came,
// the copy goes on to where the log ends now, so that the reason of every hole is in it. What is
// known of producers is copied first, so that it speaks of nothing that is not in the copy.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "skald/admin.h"
#include "skald/log_source.h"
#include "store/admin/directory.h"

namespace skald::store {

struct CopyTotals {
    std::uint64_t batches = 0;
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
    std::vector<PartitionCopy> partitions;
};

// Into the directory `to`, new or empty, which is removed when it fails. Every batch is verified.
// `fork`: the copy starts a lineage of its own behind its last record. Errors: those of the source,
// already_exists, already_open, disk_full, io_error; corrupt with the offset of what does not
// continue the log; wrong_lineage when it became another log; log_truncated when the log's head
// moved past what came next again and again.
Result<CopyTotals> copy_log(LogSource& from, const std::string& to, bool fork,
                            const AdminProgress& progress);

}  // namespace skald::store
