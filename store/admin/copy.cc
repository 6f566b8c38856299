// Backup and restore: the same copy of batches, into a new environment.
#include <fmt/format.h>

#include "base/limits.h"
#include "skald/admin.h"
#include "store/admin/directory.h"

namespace skald {
namespace store {
namespace {

// What one pair of transactions moves: reads stay short, writes large enough to be fast.
constexpr std::size_t kCopyBytes = 16 * limits::kMiB;

struct CopyTotals {
    std::uint64_t batches = 0;
    std::uint64_t events = 0;
    std::uint64_t bytes = 0;
    std::vector<PartitionCopy> partitions;
};

class Copier {
  public:
    Copier(const Directory& from, Directory& to, const AdminProgress& progress)
        : from_(from), to_(to), progress_(progress) {}

    // `fork`: the copy starts a lineage of its own behind its last record.
    Result<CopyTotals> run(bool fork) {
        auto metas = read_metas();
        if (!metas) {
            return metas.error();
        }
        for (std::size_t i = 0; i < metas->size(); ++i) {
            const Partition partition{static_cast<std::uint16_t>(i)};
            if (auto ok = copy_log(i); !ok) {
                return ok.error();
            }
            LogMeta& meta = (*metas)[i];
            if (fork) {
                meta.lineages.push_back({random_uuid(), ends_[i]});
            }
            if (auto ok = write_meta(i, meta); !ok) {
                return ok.error();
            }
            totals_.partitions.push_back(
                {partition, meta.lineages.back().id, meta.start, ends_[i]});
        }
        return totals_;
    }

  private:
    // Fixes how far the copy goes, in all partitions, before the first batch is copied.
    Result<std::vector<LogMeta>> read_metas() {
        auto txn = from_.env->read();
        if (!txn) {
            return txn.error();
        }
        total_bytes_ = (from_.env->info().last_page + 1) * from_.env->info().page_bytes;
        std::vector<LogMeta> metas;
        for (std::size_t i = 0; i < from_.databases.size(); ++i) {
            auto meta = read_log_meta(*txn, Partition{static_cast<std::uint16_t>(i)},
                                      from_.databases[i].meta);
            if (!meta) {
                return meta.error();
            }
            auto end = log_end(*txn, from_.databases[i].log, *meta);
            if (!end) {
                return end.error();
            }
            if (auto ok = copy_producers(*txn, i); !ok) {
                return ok.error();
            }
            ends_.push_back(*end);
            metas.push_back(std::move(*meta));
        }
        return metas;
    }

    // Of the same snapshot as the log's end: what it says of requests in batches that were
    // scavenged stands nowhere else.
    Result<void> copy_producers(const lmdb::ReadTxn& reading, std::size_t i) {
        auto cursor = lmdb::Cursor::open(reading, from_.databases[i].producers);
        if (!cursor) {
            return cursor.error();
        }
        auto writing = to_.env->write();
        if (!writing) {
            return writing.error();
        }
        auto found = cursor->first();
        for (; found && *found; found = cursor->next()) {
            if (auto ok = writing->put(to_.databases[i].producers, (*found)->key, (*found)->value);
                !ok) {
                return ok;
            }
        }
        return found ? std::move(*writing).commit() : found.error();
    }

    Result<void> copy_log(std::size_t i) {
        Offset at;
        for (bool more = true; more;) {
            auto moved = copy_some(i, at);
            if (!moved) {
                return moved.error();
            }
            more = *moved;
            if (progress_) {
                progress_(totals_.bytes, std::max(total_bytes_, totals_.bytes));
            }
        }
        return {};
    }

    // Moves up to kCopyBytes from `at` on; false at the end.
    Result<bool> copy_some(std::size_t i, Offset& at) {
        auto reading = from_.env->read();
        auto writing = to_.env->write();
        if (!reading || !writing) {
            return reading ? writing.error() : reading.error();
        }
        auto cursor = lmdb::Cursor::open(*reading, from_.databases[i].log);
        if (!cursor) {
            return cursor.error();
        }
        auto found = cursor->at_or_after(at.value);
        std::size_t bytes = 0;
        while (found && *found && Offset{(*found)->number()} < ends_[i] && bytes < kCopyBytes) {
            auto batch = wire::BatchView::open((*found)->value);
            auto sound = batch ? batch->verify() : Result<void>(batch.error());
            if (!sound) {
                return damaged(i, (*found)->number(), sound.error());
            }
            if (auto ok =
                    writing->append(to_.databases[i].log, (*found)->number(), (*found)->value);
                !ok) {
                return ok.error();
            }
            bytes += (*found)->value.size();
            totals_.events += batch->size();
            ++totals_.batches;
            at = batch->end();
            found = cursor->next();
        }
        if (!found) {
            return found.error();
        }
        totals_.bytes += bytes;
        if (auto ok = std::move(*writing).commit(); !ok) {
            return ok.error();
        }
        return bytes >= kCopyBytes;
    }

    static Error damaged(std::size_t partition, std::uint64_t offset, const Error& why) {
        Error error(Errc::corrupt,
                    fmt::format("partition {} at offset {}: {}", partition, offset, why.message));
        error.offset = offset;
        return error;
    }

    Result<void> write_meta(std::size_t i, const LogMeta& meta) {
        auto txn = to_.env->write();
        if (!txn) {
            return txn.error();
        }
        if (auto ok = write_log_meta(*txn, to_.databases[i].meta, meta); !ok) {
            return ok;
        }
        return std::move(*txn).commit();
    }

    const Directory& from_;
    Directory& to_;
    const AdminProgress& progress_;
    CopyTotals totals_;
    std::vector<Offset> ends_;
    std::uint64_t total_bytes_ = 0;
};

Result<CopyTotals> copy_directory(const std::string& from_path, const std::string& to_path,
                                  bool fork, const AdminProgress& progress) {
    auto from = open_for_reading(from_path);
    if (!from) {
        return from.error();
    }
    Identity identity = from->identity;
    identity.node = random_uuid();
    identity.incarnation = 0;
    auto to = create_directory(to_path, identity);
    if (!to) {
        return to.error();
    }
    return Copier(*from, *to, progress).run(fork);
}

}  // namespace
}  // namespace store

Result<BackupReport> backup_directory(const std::string& directory, const std::string& out,
                                      const AdminProgress& progress) {
    auto totals = store::copy_directory(directory, out, false, progress);
    if (!totals) {
        return totals.error();
    }
    return BackupReport{totals->batches, totals->events, totals->bytes,
                        std::move(totals->partitions)};
}

Result<RestoreReport> restore_directory(const std::string& in, const std::string& directory,
                                        const AdminProgress& progress) {
    auto totals = store::copy_directory(in, directory, true, progress);
    if (!totals) {
        return totals.error();
    }
    return RestoreReport{totals->batches, totals->events, totals->bytes,
                         std::move(totals->partitions)};
}

}  // namespace skald
