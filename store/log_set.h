// The partitions of a volume with their indexes, before anybody writes: opened, replayed,
// maintained.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "store/partition_log.h"

namespace skald::store {

class LogSet {
  public:
    // Replays what the indexes do not cover; when that is more than memory may hold (after a
    // restore), it is merged on the way. The environment must be open for writing and outlive the
    // set.
    static Result<std::unique_ptr<LogSet>> open(lmdb::Env& env,
                                                const std::vector<LogDatabases>& databases);
    ~LogSet();
    LogSet(const LogSet&) = delete;
    LogSet& operator=(const LogSet&) = delete;

    const std::vector<std::unique_ptr<PartitionLog>>& logs() const { return logs_; }
    IndexMaintainer& maintainer() { return *maintainer_; }
    // `wake` is called, from any thread, when the maintainer has a slice to be written. Once this
    // returns, the one set before is not called any more.
    void on_slice(std::function<void()> wake);
    // Any thread.
    std::size_t owned_bytes() const;

  private:
    explicit LogSet(lmdb::Env& env);
    Result<void> open_logs(const std::vector<LogDatabases>& databases);
    void slice_waits();
    Result<void> write_slices();

    lmdb::Env& env_;
    HeadCache heads_;
    std::vector<std::unique_ptr<PartitionIndex>> indexes_;
    std::vector<std::unique_ptr<PartitionLog>> logs_;
    std::mutex mutex_;
    std::condition_variable slice_;
    std::function<void()> wake_;  // guarded by mutex_
    std::unique_ptr<IndexMaintainer> maintainer_;
};

}  // namespace skald::store
