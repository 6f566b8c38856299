#include <filesystem>

#include "skald/admin.h"
#include "store/admin/directory.h"
#include "store/lmdb/free_list.h"

namespace skald {

Result<DirectoryInfo> directory_info(const std::string& path) {
    auto directory = store::open_for_reading(path);
    if (!directory) {
        return directory.error();
    }
    DirectoryInfo info;
    info.cluster = directory->identity.cluster;
    info.node = directory->identity.node;
    info.format_version = store::kFormatVersion;
    const store::lmdb::EnvInfo env = directory->env->info();
    auto free = store::lmdb::free_pages(*directory->env);
    if (!free) {
        return free.error();
    }
    info.used_bytes = (env.last_page + 1 - *free) * env.page_bytes;
    std::error_code ec;
    info.file_bytes = std::filesystem::file_size(path + "/data.mdb", ec);
    auto txn = directory->env->read();
    if (!txn) {
        return txn.error();
    }
    for (std::uint16_t i = 0; i < directory->identity.partitions; ++i) {
        const store::LogDatabases& databases = directory->databases[i];
        auto meta = store::read_log_meta(*txn, Partition{i}, databases.meta);
        if (!meta) {
            return meta.error();
        }
        auto end = store::log_end(*txn, databases.log);
        if (!end) {
            return end.error();
        }
        DirectoryPartition partition;
        partition.partition = Partition{i};
        partition.lineage = meta->lineages.back().id;
        if (meta->lineages.size() > 1) {
            partition.parent = meta->lineages[meta->lineages.size() - 2].id;
            partition.fork = meta->lineages.back().begin;
        }
        partition.epoch = meta->epoch;
        partition.start = meta->start;
        partition.next = end->value_or(meta->start);
        info.records += partition.next - meta->start;
        info.partitions.push_back(partition);
    }
    return info;
}

}  // namespace skald
