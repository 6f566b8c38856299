// Work on a whole data directory: check it, copy it, look at it. Nobody may have it open for
// writing, except for directory_info(). A log at work is copied by backup_log().
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "skald/ids.h"
#include "skald/log_source.h"
#include "skald/result.h"

namespace skald {

// Called now and then with what is done of a total, both in bytes of log. Must not throw.
using AdminProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

// Something that does not add up, and where.
struct VerifyProblem {
    Partition partition;
    std::optional<Offset> offset;  // of the record, or of the batch's first; none: not in the log
    std::string place;             // what was looked at, as "record", "chain", "index by_stream"
    std::string message;           // what is wrong with it
};

struct VerifyReport {
    std::uint64_t partitions = 0;
    std::uint64_t batches = 0;
    std::uint64_t events = 0;  // readable records that are not control records
    std::uint64_t control_records = 0;
    std::uint64_t holes = 0;              // places of removed records
    std::uint64_t bytes = 0;              // of log
    bool index_checked = false;           // every index was compared with the log
    std::vector<VerifyProblem> problems;  // the first 1,000
    std::uint64_t problem_count = 0;
};

// Reads everything again: checksums, the hash chain, gaplessness, where durable consumers stand,
// every index against the log. What it finds is in the report; an error means it could not look:
// not_found, already_open, unknown_format, io_error.
Result<VerifyReport> verify_directory(const std::string& directory,
                                      const AdminProgress& progress = {});

// One partition of a copy. `next` is behind the last record in it.
struct PartitionCopy {
    Partition partition;
    Uuid lineage;
    Offset start;
    Offset next;
};

struct BackupReport {
    std::uint64_t batches = 0;
    std::uint64_t records = 0;  // events, control records and the places of removed ones
    std::uint64_t bytes = 0;    // of log
    std::vector<PartitionCopy> partitions;
};

// Copies the log of `directory` into the new directory `out`, which is a data directory like any
// other. Errors: not_found, already_exists, already_open, corrupt, disk_full, io_error.
Result<BackupReport> backup_directory(const std::string& directory, const std::string& out,
                                      const AdminProgress& progress = {});

// The same from wherever the log comes, as of a running node (skald/client.h), while writes go on:
// the copy ends at the high-watermark of each partition at the call or, when records that were
// copied had been removed, a little later, where the reason for it is in the copy. Every batch is
// verified. What a failed copy left is removed; what an ended process left is no data directory.
// Errors: those of the source, already_exists, disk_full, io_error; corrupt with the offset of a
// batch that is damaged or does not continue the log; log_truncated when scavenging moved the log's
// head past the offset that was due, again and again.
Result<BackupReport> backup_log(LogSource& log, const std::string& out,
                                const AdminProgress& progress = {});

struct RestoreReport {
    std::uint64_t batches = 0;
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
    std::vector<PartitionCopy> partitions;  // with their new lineages; they fork at `next`
};

// Makes the data directory `directory` from a backup. Starts a new lineage, so that positions
// beyond the backup are told apart. Errors: not_found, already_exists when the directory holds
// anything, corrupt, disk_full, io_error.
Result<RestoreReport> restore_directory(const std::string& in, const std::string& directory,
                                        const AdminProgress& progress = {});

struct ScavengeReport {
    std::uint64_t batches_rewritten = 0;
    std::uint64_t records_removed = 0;  // dead records that became holes
    std::uint64_t batches_dropped = 0;  // at the head of the log, all of holes
    std::uint64_t bytes_freed = 0;      // of log
    std::uint64_t pages_zeroed = 0;     // free pages of the data file that held something
    std::uint64_t gaps_zeroed = 0;      // the same of unused room in pages of use
    std::uint64_t pages_kept = 0;       // free, but an open read may still see them: the next time
    bool operator==(const ScavengeReport&) const = default;
};

// Removes what limits, truncation, deletion and erasure have made unreadable, and the records of
// durable consumers that later ones made superfluous, gives the room back to the log, and
// overwrites the bytes in the data file. The file does not become smaller. Errors:
// not_found, already_open, unknown_format, corrupt, disk_full, io_error. May be repeated at any
// time; what an interrupted one did stays done.
Result<ScavengeReport> scavenge_directory(const std::string& directory,
                                          const AdminProgress& progress = {});

struct DirectoryPartition {
    Partition partition;
    Uuid lineage;
    std::optional<Uuid> parent;  // the lineage it came from
    std::optional<Offset> fork;  // where it left the parent
    Epoch epoch;
    Offset start;  // the first offset that is still there
    Offset next;   // behind the last record
};

struct DirectoryInfo {
    Uuid cluster;
    Uuid node;
    std::uint32_t format_version = 0;
    std::uint64_t records = 0;  // events, control records and the places of removed ones
    std::uint64_t file_bytes = 0;
    std::uint64_t used_bytes = 0;  // of those, not free for new records
    std::vector<DirectoryPartition> partitions;
};

// not_found, already_open, unknown_format, io_error.
Result<DirectoryInfo> directory_info(const std::string& directory);

}  // namespace skald
