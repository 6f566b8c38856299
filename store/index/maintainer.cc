#include <condition_variable>
#include <thread>

#include "store/index/maintenance.h"

namespace skald::store {
namespace index {
namespace {

// Wakes one thread, which may be told before it waits.
class Signal {
  public:
    void set() {
        {
            const std::scoped_lock lock(mutex_);
            set_ = true;
        }
        changed_.notify_one();
    }
    void wait() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return set_; });
        set_ = false;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool set_ = false;
};

class Maintainer final : public IndexMaintainer {
  public:
    Maintainer(lmdb::Env& env, std::vector<SegmentedIndex*> partitions, std::function<void()> wake)
        : maintenance_(env, partitions, SystemClock::instance()),
          partitions_(std::move(partitions)),
          wake_(std::move(wake)) {
        for (SegmentedIndex* partition : partitions_) {
            partition->on_sealable([this] { work_.set(); });
        }
        if (auto ok = maintenance_.find_orphans(); !ok) {
            fail(ok.error());
            return;
        }
        thread_ = std::thread([this] { run(); });
    }

    ~Maintainer() override {
        stop_ = true;
        work_.set();
        if (thread_.joinable()) {
            thread_.join();
        }
        for (SegmentedIndex* partition : partitions_) {
            partition->on_sealable({});
        }
    }

    bool pending() const override { return maintenance_.pending(); }

    Result<void> apply(lmdb::WriteTxn& txn) override {
        auto applied = maintenance_.apply(txn);
        work_.set();
        return applied;
    }

    void committed() override {
        if (auto ok = maintenance_.committed(); !ok) {
            fail(ok.error());
        }
        work_.set();
    }

    std::optional<Error> failure() const override {
        const std::scoped_lock lock(failure_mutex_);
        return failure_;
    }

  private:
    void fail(const Error& error) {
        {
            const std::scoped_lock lock(failure_mutex_);
            failure_ = error;
        }
        wake_();
    }

    void run() {
        while (!stop_) {
            const auto worked = maintenance_.step();
            if (!worked) {
                fail(worked.error());
                return;
            }
            if (maintenance_.pending()) {
                wake_();
            }
            if (!*worked) {
                work_.wait();
            }
        }
    }

    Maintenance maintenance_;
    std::vector<SegmentedIndex*> partitions_;
    std::function<void()> wake_;
    Signal work_;
    std::atomic<bool> stop_{false};
    mutable std::mutex failure_mutex_;
    std::optional<Error> failure_;
    std::thread thread_;
};

}  // namespace
}  // namespace index

std::unique_ptr<IndexMaintainer> IndexMaintainer::start(lmdb::Env& env,
                                                        std::vector<PartitionIndex*> partitions,
                                                        std::function<void()> wake) {
    std::vector<index::SegmentedIndex*> ours;
    for (PartitionIndex* partition : partitions) {
        ours.push_back(static_cast<index::SegmentedIndex*>(partition));
    }
    return std::make_unique<index::Maintainer>(env, std::move(ours), std::move(wake));
}

}  // namespace skald::store
