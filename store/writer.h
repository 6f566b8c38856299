// The one writer of a volume: gathers requests while a commit syncs, decides them, and puts all
// that waits, whatever its partition, into one synced commit (rules L1, L2).
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "store/admission.h"
#include "store/file_extender.h"
#include "store/partition_log.h"
#include "store/volume.h"

namespace skald::store {

// The writer's role is a baton. A thread of its own takes it when requests wait; a caller of
// append() takes it when nobody holds it, so that a lone append costs no thread switch. Thread
// safe.
class Writer {
  public:
    // `published` is called after each commit with the baton held, before outcomes are given.
    struct Parts {
        lmdb::Env& env;
        const std::vector<std::unique_ptr<PartitionLog>>& logs;
        const Clock& clock;
        FileExtender* extender = nullptr;
        std::function<void()> published;
    };
    explicit Writer(Parts parts);
    ~Writer();  // commits what was submitted first
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    // Before the first request.
    void set_maintainer(IndexMaintainer* maintainer) { maintainer_ = maintainer; }
    // Commits what was submitted and ends the thread; later calls get store_failed.
    void stop();
    void submit(std::span<const Submission> submissions, std::span<const Partition> partitions);
    Result<AppendOutcome> append(const Submission& submission, Partition partition);
    // Runs `change` in the next commit, alone in the caller's eyes; waits until it is durable.
    Result<void> change(const std::function<Result<void>(lmdb::WriteTxn&)>& change);
    // Runs `work` while nothing is committed; it may begin write transactions of its own.
    Result<void> alone(const std::function<Result<void>()>& work);
    // Asks for a commit soon although no request waits.
    void wake();
    std::optional<Error> failure() const;
    // What every call answers after a failure; success before.
    Result<void> working() const;
    void fail(Error error);

  private:
    struct Queued {
        Submission submission;
        Partition partition;
    };
    struct Change {
        const std::function<Result<void>(lmdb::WriteTxn&)>* apply;
        std::optional<Result<void>> done;
    };
    static Error stopped(const Error& failure);
    void run();
    void work(std::unique_lock<std::mutex>& lock);
    bool has_work() const;
    bool throttled() const;
    std::vector<Queued> take();
    void commit(std::vector<Queued> requests, std::vector<Change*> changes);
    Result<void> decide_and_write(const std::vector<Queued>& requests,
                                  std::vector<Change*>& changes, bool& wrote);
    Result<void> decide(const std::vector<Queued>& requests);
    Result<void> write(std::vector<Change*>& changes, bool& wrote);
    Result<std::uint64_t> apply_changes(lmdb::WriteTxn& txn, std::vector<Change*>& changes);
    Result<void> write_batches(lmdb::WriteTxn& txn);
    Result<void> merge_producers(lmdb::WriteTxn& txn);
    bool merge_due() const;
    void clear_stale_readers();
    void publish();
    void give_outcomes(const std::optional<Error>& failed);
    static void refuse(const Submission& submission, Error error);

    Parts parts_;
    IndexMaintainer* maintainer_ = nullptr;
    std::vector<Admission> admissions_;  // by partition
    std::vector<std::size_t> touched_;   // partitions of this commit
    std::vector<Decided> decided_;
    struct Written {
        std::size_t partition;
        Offset base;
        Frame frame;
    };
    std::vector<Written> written_;
    CommitTimes times_;
    Time clock_;
    bool merging_producers_ = false;
    Monotonic readers_checked_{};

    mutable std::mutex mutex_;
    std::condition_variable work_;
    std::condition_variable idle_;
    std::deque<Queued> queue_;  // guarded by mutex_, like all below
    std::size_t queue_bytes_ = 0;
    std::vector<Change*> changes_;
    bool baton_ = false;  // somebody writes
    bool woken_ = false;
    bool stop_ = false;
    std::optional<Error> failure_;
    std::atomic<bool> failed_{false};  // failure_ is set
    std::thread thread_;
};

}  // namespace skald::store
