// The one writer of a volume: gathers requests while a commit syncs, decides them meanwhile, and
// puts all that waits, whatever its partition, into one synced commit (rules L1, L2).
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "store/admission.h"
#include "store/file_extender.h"
#include "store/inline_handlers.h"
#include "store/partition_log.h"
#include "store/volume.h"
#include "store/waiting_room.h"

namespace skald::store {

// Two batons, each held by one thread at a time: `preparing_` to decide requests into a commit, and
// `committing_` to put it on the disk. While one commit is at the disk the next is prepared, so a
// thread takes the first, then the second as well, and gives back the first once its batches are
// sealed. Two threads of its own do that; a caller of append() or submit_here() does it in their
// place when nobody prepares, so that a lone append costs no thread switch. Thread safe.
class Writer final : public InlineHost {
  public:
    // `published` is called after each commit, by one thread at a time, before outcomes are given.
    struct Parts {
        lmdb::Env& env;
        const std::vector<std::unique_ptr<PartitionLog>>& logs;
        const Clock& clock;
        FileExtender* extender = nullptr;
        std::function<void()> published;
        std::function<Position()> end;  // of what was prepared last; with both batons
        QueueGate* queues = nullptr;
    };
    explicit Writer(Parts parts);
    ~Writer() override;  // commits what was submitted first
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    // Before the first request.
    void set_maintainer(IndexMaintainer* maintainer) { maintainer_ = maintainer; }
    // Commits what was submitted and ends the threads; later submissions get shutting_down.
    void stop();
    void submit(std::span<const Submission> submissions, std::span<const Partition> partitions);
    bool submit_here(const Submission& submission, Partition partition);
    Result<AppendOutcome> append(const Submission& submission, Partition partition);
    // Runs `change` in the next commit, alone in the caller's eyes; waits until it is durable.
    Result<void> change(const std::function<Result<void>(lmdb::WriteTxn&)>& change);
    // Write transactions that `work` begins itself must write nothing.
    Result<void> alone(const std::function<Result<void>()>& work) override;
    Result<void> write_alone(const std::function<Result<void>(lmdb::WriteTxn&)>& change) override;
    lmdb::Env& env() override { return parts_.env; }
    Result<void> claim(const std::string& name) override { return inline_.claim(name); }
    void release(const std::string& name) override { inline_.release(name); }
    void attach(InlineHandler& handler) override { inline_.add(handler); }
    void detach(InlineHandler& handler) override;
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
    struct Written {
        std::size_t partition;
        Offset base;
        Frame frame;
    };
    // What goes to the disk together. Kept for the next but one, with its memory.
    struct Commit {
        std::vector<Queued> taken;  // the requests taken last
        std::vector<Decided> decided;
        std::vector<std::size_t> touched;  // partitions
        std::vector<Written> written;
        std::vector<Change*> changes;
        std::vector<std::pair<Change*, Error>> undone;  // changes that failed
        std::size_t bytes = 0;                          // of requests
        std::size_t records = 0;
        bool lifecycle = false;  // holds lifecycle records
        bool merge = false;      // producers and fences are put as well
        Time clock;
        CommitTimes times;
        std::optional<Error> failed;

        bool full() const;
        void clear();
    };
    static Error stopped(const Error& failure);
    void run();
    void work(std::unique_lock<std::mutex>& lock);
    bool has_work() const;
    bool idle() const;
    bool throttled() const;
    bool retry_due() const;
    void await_work(std::unique_lock<std::mutex>& lock);
    void await_batons(std::unique_lock<std::mutex>& lock);
    bool has_room(std::size_t bytes) const;
    void enqueue(const Submission& submission, Partition partition);
    void take(Commit& commit);
    void prepare(Commit& commit, std::unique_lock<std::mutex>& lock);
    void decide(Commit& commit);
    void begin(Commit& commit);
    void retry(Commit& commit);
    void decide_one(Commit& commit, const Queued& queued);
    Admission& admission_for(Commit& commit, Partition partition);
    void give(Commit& commit, const Submission& submission, Result<AppendOutcome> outcome);
    bool seal(Commit& commit);
    void execute(Commit& commit);
    void give_back(bool preparing);
    Result<void> write(Commit& commit, bool& wrote);
    Result<std::uint64_t> apply_changes(lmdb::WriteTxn& txn, Commit& commit);
    Result<void> write_batches(lmdb::WriteTxn& txn, const Commit& commit);
    Result<void> drop_snapshots(lmdb::WriteTxn& txn, const Commit& commit);
    Result<void> merge_producers(lmdb::WriteTxn& txn, const Commit& commit);
    bool merge_due() const;
    void clear_stale_readers(Monotonic now);
    void publish(Commit& commit);
    static void give_outcomes(Commit& commit);
    static void refuse(const Submission& submission, Error error);

    Parts parts_;
    IndexMaintainer* maintainer_ = nullptr;
    InlineHandlers inline_;
    std::vector<Admission> admissions_;  // by partition; of whoever prepares
    WaitingRoom waiting_;                // likewise
    bool merging_producers_ = false;     // of whoever holds both batons
    Monotonic readers_checked_{};        // of whoever commits

    mutable std::mutex mutex_;
    std::condition_variable work_;  // for our threads: something to prepare
    std::condition_variable turn_;  // for whoever prepares: more requests, or the disk is free
    std::condition_variable idle_;  // for callers: a baton was given back
    std::vector<Queued> queue_;     // guarded by mutex_, like all below
    std::size_t queue_bytes_ = 0;
    std::size_t queue_records_ = 0;
    std::vector<Change*> changes_;
    std::array<Commit, 2> commits_;
    std::size_t spare_ = 0;  // the one of them that is prepared next
    bool preparing_ = false;
    bool committing_ = false;
    int alone_waiting_ = 0;  // nothing is prepared while somebody waits to be alone
    bool woken_ = false;
    std::optional<Monotonic> retry_at_;  // for what waits for a queue
    bool stop_ = false;
    std::optional<Error> failure_;
    std::atomic<bool> failed_{false};  // failure_ is set
    std::array<std::thread, 2> threads_;
};

}  // namespace skald::store
