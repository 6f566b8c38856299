// Keeps the data file written ahead of its last page, so that commits overwrite blocks that exist:
// their sync is up to 1.9 x faster (docs/decisions/0005).
//
// The rule that keeps this safe: the extender writes zeros only at or above a fence, and a commit
// that could allocate a page at or above the fence stops the extender first (Guard). The fence
// rises only after what is below it was synced.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

#include "store/lmdb/env.h"
#include "store/volume.h"

namespace skald::store {

class FileExtender {
  public:
    // Starts nothing while the log is small; never fails: without it commits are only slower. Stops
    // for good at the first error, and pauses while the disk has little room.
    static std::unique_ptr<FileExtender> start(const lmdb::Env& env, const WriteAhead& options);
    ~FileExtender();
    FileExtender(const FileExtender&) = delete;
    FileExtender& operator=(const FileExtender&) = delete;

    // Held by the writer around a commit that allocates at most `bytes`, and commit_slack.
    class Guard {
      public:
        Guard(FileExtender& extender, std::size_t bytes);
        ~Guard();
        Guard(const Guard&) = delete;
        Guard& operator=(const Guard&) = delete;

      private:
        FileExtender& extender_;
        bool blocks_ = false;
    };

    // A sync failed, which may have been the only one to hear of it: pages that a commit wrote
    // before it may be lost, so nothing may be acknowledged any more.
    bool sync_failed() const { return sync_failed_.load(std::memory_order_acquire); }

    // What has been written ahead and not yet used, bytes. For metrics.
    std::uint64_t ahead() const;

  private:
    FileExtender(const lmdb::Env& env, const WriteAhead& options, int fd);
    void run();
    bool wanted() const;
    bool room() const;
    bool write_step(std::uint64_t at);
    std::uint64_t used_end() const;

    const lmdb::Env& env_;
    const WriteAhead options_;
    int fd_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t fence_ = 0;  // guarded by mutex_, like all below
    bool writing_ = false;
    bool blocked_ = false;
    bool stop_ = false;
    bool failed_ = false;
    std::atomic<bool> sync_failed_{false};
    std::thread thread_;
};

}  // namespace skald::store
