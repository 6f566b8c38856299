// The log of an environment as copies are made from it: of a volume at work, or of a directory.
#pragma once

#include <functional>
#include <vector>

#include "skald/log_source.h"
#include "store/partition_log.h"

namespace skald::store {

// Each call opens one short read transaction. Thread safe.
class DatabaseLog final : public LogSource {
  public:
    struct Parts {
        const lmdb::Env& env;
        Uuid cluster;
        std::vector<LogDatabases> databases;            // by partition
        std::function<std::vector<Visible>()> visible;  // what readers may see now, likewise
    };
    explicit DatabaseLog(Parts parts) : parts_(std::move(parts)) {}

    Result<LogState> state() override;
    Result<BatchRun> batches(const LogRange& range) override;
    Result<ProducerRows> producers(Partition partition, const std::string& after,
                                   std::size_t bytes) override;

  private:
    Result<const LogDatabases*> find(Partition partition) const;

    Parts parts_;
};

}  // namespace skald::store
