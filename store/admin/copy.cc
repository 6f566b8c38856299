// Backup and restore: the same copy, from wherever the log comes.
#include "skald/admin.h"
#include "store/admin/log_copy.h"
#include "store/database_log.h"

namespace skald {
namespace store {
namespace {

// Nobody writes it while it is open.
Result<DatabaseLog> log_at_rest(const Directory& directory) {
    auto txn = directory.env->read();
    if (!txn) {
        return txn.error();
    }
    std::vector<Visible> ends;
    for (std::uint16_t i = 0; i < directory.databases.size(); ++i) {
        auto meta = read_log_meta(*txn, Partition{i}, directory.databases[i].meta);
        auto end = log_end(*txn, directory.databases[i].log);
        if (!meta || !end) {
            return meta ? end.error() : meta.error();
        }
        ends.push_back({end->value_or(meta->start), {}, 0});
    }
    return DatabaseLog({*directory.env, directory.identity.cluster, directory.databases,
                        [ends = std::move(ends)] { return ends; }});
}

Result<CopyTotals> copy_directory(const std::string& from, const std::string& to, bool fork,
                                  const AdminProgress& progress) {
    auto directory = open_at_rest(from);
    if (!directory) {
        return directory.error();
    }
    auto log = log_at_rest(*directory);
    return log ? copy_log(*log, to, fork, progress) : log.error();
}

// BackupReport and RestoreReport say the same things.
template <typename Report>
Result<Report> reported(Result<CopyTotals> totals) {
    if (!totals) {
        return totals.error();
    }
    return Report{totals->batches, totals->records, totals->bytes, std::move(totals->partitions)};
}

}  // namespace
}  // namespace store

Result<BackupReport> backup_log(LogSource& log, const std::string& out,
                                const AdminProgress& progress) {
    return store::reported<BackupReport>(store::copy_log(log, out, false, progress));
}

Result<BackupReport> backup_directory(const std::string& directory, const std::string& out,
                                      const AdminProgress& progress) {
    return store::reported<BackupReport>(store::copy_directory(directory, out, false, progress));
}

Result<RestoreReport> restore_directory(const std::string& in, const std::string& directory,
                                        const AdminProgress& progress) {
    return store::reported<RestoreReport>(store::copy_directory(in, directory, true, progress));
}

}  // namespace skald
