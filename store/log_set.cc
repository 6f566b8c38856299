#include "store/log_set.h"

#include <algorithm>

#include "base/limits.h"
#include "base/random.h"

namespace skald::store {

LogSet::LogSet(lmdb::Env& env) : env_(env), heads_(random_number()) {}

Result<std::unique_ptr<LogSet>> LogSet::open(lmdb::Env& env,
                                             const std::vector<LogDatabases>& databases) {
    std::unique_ptr<LogSet> set(new LogSet(env));
    if (auto ok = set->open_logs(databases); !ok) {
        return ok.error();
    }
    return set;
}

LogSet::~LogSet() {
    maintainer_.reset();  // before the indexes that it knows
}

Result<void> LogSet::open_logs(const std::vector<LogDatabases>& databases) {
    std::vector<PartitionIndex*> indexes;
    for (std::size_t i = 0; i < databases.size(); ++i) {
        auto index = PartitionIndex::open(env_, Partition{static_cast<std::uint16_t>(i)});
        if (!index) {
            return index.error();
        }
        indexes.push_back(index->get());
        indexes_.push_back(std::move(*index));
    }
    maintainer_ = IndexMaintainer::start(env_, indexes, [this] { slice_waits(); });
    const std::size_t ids_max =
        std::max<std::size_t>(limits::kRecentIdsMax / databases.size(), limits::kBatchRecordsMax);
    for (std::size_t i = 0; i < databases.size(); ++i) {
        PartitionLog::Parts parts{env_,         Partition{static_cast<std::uint16_t>(i)},
                                  databases[i], *indexes_[i],
                                  heads_,       ids_max};
        auto log = PartitionLog::open(parts, [this] { return write_slices(); });
        if (!log) {
            return log.error();
        }
        logs_.push_back(std::move(*log));
    }
    return {};
}

void LogSet::on_slice(std::function<void()> wake) {
    const std::scoped_lock lock(mutex_);
    wake_ = std::move(wake);
    if (wake_ && maintainer_->pending()) {
        wake_();
    }
}

std::size_t LogSet::owned_bytes() const {
    std::size_t bytes = heads_.owned_bytes();
    for (const auto& log : logs_) {
        bytes += log->owned_bytes();
    }
    return bytes;
}

void LogSet::slice_waits() {
    const std::scoped_lock lock(mutex_);
    if (wake_) {
        wake_();
    }
    slice_.notify_all();
}

// While nobody writes yet: waits for the maintainer's next slice and commits it.
Result<void> LogSet::write_slices() {
    {
        std::unique_lock lock(mutex_);
        slice_.wait(lock, [this] { return maintainer_->pending() || maintainer_->failure(); });
    }
    if (const auto failure = maintainer_->failure()) {
        return *failure;
    }
    auto txn = env_.write();
    if (!txn) {
        return txn.error();
    }
    if (auto ok = maintainer_->apply(*txn); !ok) {
        return ok;
    }
    if (auto ok = std::move(*txn).commit(); !ok) {
        return ok;
    }
    maintainer_->committed();
    return {};
}

}  // namespace skald::store
