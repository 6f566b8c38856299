#include "store/writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/limits.h"

namespace skald::store {
namespace {

// Requests that wait for an outcome in their own thread.
class Waiter final : public AppendListener {
  public:
    void on_outcome(std::uint64_t, const Result<AppendOutcome>& outcome) override {
        outcome_ = outcome;
    }
    // The last call: once `done_` is seen, this object is gone.
    void on_commit(const CommitTimes&) override {
        done_.store(true, std::memory_order_release);
        done_.notify_one();
    }
    Result<AppendOutcome> wait() {
        done_.wait(false, std::memory_order_acquire);
        return std::move(*outcome_);
    }
    bool done() const { return done_.load(std::memory_order_acquire); }

  private:
    std::atomic<bool> done_{false};
    std::optional<Result<AppendOutcome>> outcome_;
};

}  // namespace

Writer::Writer(Parts parts) : parts_(std::move(parts)) {
    for (const auto& log : parts_.logs) {
        admissions_.emplace_back(*log, inline_, parts_.queues);
    }
    readers_checked_ = parts_.clock.monotonic();
    for (std::thread& thread : threads_) {
        thread = std::thread([this] { run(); });
    }
}

Writer::~Writer() {
    stop();
    SKALD_CHECK(inline_.empty(), "inline projections are detached before their store is closed");
}

void Writer::stop() {
    if (parts_.queues != nullptr) {
        parts_.queues->allow_waits(false);
    }
    {
        const std::scoped_lock lock(mutex_);
        stop_ = true;
    }
    work_.notify_all();
    for (std::thread& thread : threads_) {
        if (thread.joinable()) {
            thread.join();
        }
    }
}

void Writer::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        const auto ended = [this] {
            return stop_ && queue_.empty() && changes_.empty() && !retry_at_;
        };
        while (!ended() && (preparing_ || !has_work())) {
            await_work(lock);
        }
        if (ended()) {
            return;
        }
        work(lock);
    }
}

// A time of the clock is waited for only where it would be work then.
void Writer::await_work(std::unique_lock<std::mutex>& lock) {
    if (retry_at_ && !preparing_ && alone_waiting_ == 0 && !throttled()) {
        work_.wait_for(lock, std::max(*retry_at_ - parts_.clock.monotonic(), Monotonic{}));
    } else {
        work_.wait(lock);
    }
}

// Something that waits for a queue is to be tried.
bool Writer::retry_due() const {
    return retry_at_ && (stop_ || failure_ || *retry_at_ <= parts_.clock.monotonic());
}

bool Writer::has_work() const {
    return alone_waiting_ == 0 &&
           (((!queue_.empty() || retry_due()) && !throttled()) || !changes_.empty() || woken_);
}

// The newest index entries in memory are at their bound: appends wait until a slice was merged.
bool Writer::throttled() const {
    const auto full = [](const auto& log) { return log->index().full(); };
    return !failure_ && maintainer_ != nullptr && !maintainer_->pending() &&
           std::any_of(parts_.logs.begin(), parts_.logs.end(), full);
}

// One commit, from the queue to its outcomes.
void Writer::work(std::unique_lock<std::mutex>& lock) {
    preparing_ = true;
    woken_ = false;
    Commit& commit = commits_[spare_];
    spare_ = 1 - spare_;
    prepare(commit, lock);
    commit.changes = std::exchange(changes_, {});
    lock.unlock();
    const bool alone = seal(commit);
    if (!alone) {
        lock.lock();
        give_back(true);
        lock.unlock();
    }
    execute(commit);
    lock.lock();
    committing_ = false;
    turn_.notify_one();
    give_back(alone);
}

// With the lock held.
void Writer::give_back(bool preparing) {
    if (preparing) {
        preparing_ = false;
    }
    idle_.notify_all();
    if (!preparing_ && (has_work() || stop_ || retry_at_)) {
        stop_ ? work_.notify_all() : work_.notify_one();
    }
}

// Returns holding both batons. What comes while the commit before is at the disk joins this one.
void Writer::prepare(Commit& commit, std::unique_lock<std::mutex>& lock) {
    commit.clear();
    if (!waiting_.empty() && !throttled()) {
        lock.unlock();
        retry(commit);
        lock.lock();
    }
    for (;;) {
        take(commit);
        lock.unlock();
        decide(commit);
        lock.lock();
        retry_at_ = waiting_.next_try();
        if (!committing_) {
            break;
        }
        turn_.wait(lock, [&] {
            return !committing_ || (!commit.full() && !queue_.empty() && !throttled());
        });
    }
    committing_ = true;
}

bool Writer::Commit::full() const {
    return bytes >= limits::kBatchBytesMax || records >= limits::kBatchRecordsMax;
}

void Writer::Commit::clear() {
    taken.clear();
    decided.clear();
    touched.clear();
    written.clear();
    changes.clear();
    undone.clear();
    bytes = records = 0;
    lifecycle = merge = false;
    times = CommitTimes{};
    failed.reset();
}

void Writer::enqueue(const Submission& submission, Partition partition) {
    queue_.push_back({submission, partition});
    queue_bytes_ += submission.request.bytes().size();
    queue_records_ += submission.request.header().records;
}

// From the front of the queue: all of it, unless that is too much for a batch.
void Writer::take(Commit& commit) {
    commit.taken.clear();
    if (throttled() || commit.full()) {
        return;
    }
    if (commit.bytes + queue_bytes_ < limits::kBatchBytesMax &&
        commit.records + queue_records_ < limits::kBatchRecordsMax) {
        std::swap(commit.taken, queue_);
        commit.bytes += std::exchange(queue_bytes_, 0);
        commit.records += std::exchange(queue_records_, 0);
        return;
    }
    auto end = queue_.begin();
    for (; end != queue_.end() && !commit.full(); ++end) {
        const std::size_t bytes = end->submission.request.bytes().size();
        const std::size_t records = end->submission.request.header().records;
        commit.bytes += bytes;
        commit.records += records;
        queue_bytes_ -= bytes;
        queue_records_ -= records;
    }
    commit.taken.assign(queue_.begin(), end);
    queue_.erase(queue_.begin(), end);
}

void Writer::submit(std::span<const Submission> submissions,
                    std::span<const Partition> partitions) {
    std::size_t refused = submissions.size();
    bool failed = false;
    bool ended = false;
    bool prepared = false;
    {
        const std::scoped_lock lock(mutex_);
        failed = failure_.has_value();
        ended = stop_;
        for (std::size_t i = 0; i < submissions.size(); ++i) {
            const std::size_t bytes = submissions[i].request.bytes().size();
            if (failed || ended || !has_room(bytes)) {
                refused = i;
                break;
            }
            enqueue(submissions[i], partitions[i]);
        }
        prepared = preparing_;
    }
    (prepared ? turn_ : work_).notify_one();
    for (std::size_t i = refused; i < submissions.size(); ++i) {
        refuse(submissions[i], failed  ? stopped(*failure())
                               : ended ? Error(Errc::shutting_down, "the store is closing")
                                       : Error(Errc::busy, "too many appends wait; try again"));
    }
}

void Writer::refuse(const Submission& submission, Error error) {
    submission.listener->on_outcome(submission.tag, std::move(error));
    submission.listener->on_commit(CommitTimes{});
}

// Nothing waits, nothing is at the disk, and no slice of the index is due.
bool Writer::idle() const {
    return !preparing_ && !committing_ && alone_waiting_ == 0 && !woken_ && !stop_ && !failure_ &&
           queue_.empty() && changes_.empty() && !throttled() &&
           !(maintainer_ != nullptr && maintainer_->pending());
}

bool Writer::submit_here(const Submission& submission, Partition partition) {
    std::unique_lock lock(mutex_);
    if (!idle()) {
        return false;
    }
    enqueue(submission, partition);
    work(lock);
    return true;
}

bool Writer::has_room(std::size_t bytes) const {
    return queue_.size() < limits::kQueueRequestsMax &&
           queue_bytes_ + bytes <= limits::kQueueBytesMax;
}

Result<AppendOutcome> Writer::append(const Submission& submission, Partition partition) {
    Waiter waiter;
    Submission own = submission;
    own.listener = &waiter;
    {
        std::unique_lock lock(mutex_);
        if (failure_) {
            return stopped(*failure_);
        }
        if (!has_room(own.request.bytes().size())) {
            return Error(Errc::busy, "too many appends wait; try again");
        }
        enqueue(own, partition);
        if (preparing_) {
            turn_.notify_one();
        }
        // Everything ahead of us in the queue goes into the same commit, so one round usually
        // serves.
        while (!preparing_ && alone_waiting_ == 0 && !throttled() && !waiter.done() &&
               !queue_.empty()) {
            work(lock);
        }
    }
    return waiter.wait();
}

Result<void> Writer::change(const std::function<Result<void>(lmdb::WriteTxn&)>& change) {
    Change waiting{&change, std::nullopt};
    std::unique_lock lock(mutex_);
    if (failure_) {
        return stopped(*failure_);
    }
    changes_.push_back(&waiting);
    while (!waiting.done) {
        if (preparing_ || alone_waiting_ != 0) {
            idle_.wait(lock);
        } else {
            work(lock);
        }
    }
    return std::move(*waiting.done);
}

// Both are free then, and stay so as long as the lock is held.
void Writer::await_batons(std::unique_lock<std::mutex>& lock) {
    ++alone_waiting_;
    idle_.wait(lock, [this] { return !preparing_ && !committing_; });
    --alone_waiting_;
}

Result<void> Writer::alone(const std::function<Result<void>()>& work) {
    std::unique_lock lock(mutex_);
    await_batons(lock);
    if (failure_) {
        give_back(false);
        return stopped(*failure_);
    }
    preparing_ = committing_ = true;
    lock.unlock();
    auto done = work();
    lock.lock();
    committing_ = false;
    give_back(true);
    return done;
}

Result<void> Writer::write_alone(const std::function<Result<void>(lmdb::WriteTxn&)>& change) {
    std::optional<FileExtender::Guard> guard;
    auto txn = parts_.env.write();
    if (!txn) {
        return txn.error();
    }
    if (auto ok = change(*txn); !ok) {
        return ok;
    }
    if (parts_.extender != nullptr) {
        guard.emplace(*parts_.extender, parts_.env.info().map_bytes);  // it may be any size
    }
    auto ok = std::move(*txn).commit();
    if (ok && parts_.extender != nullptr && parts_.extender->sync_failed()) {
        ok = Error(Errc::io_error, "a sync of the data file failed");
    }
    if (!ok) {
        fail(ok.error());
    }
    return ok;
}

void Writer::detach(InlineHandler& handler) {
    std::unique_lock lock(mutex_);
    await_batons(lock);
    inline_.remove(handler);
    give_back(false);
}

void Writer::wake() {
    {
        const std::scoped_lock lock(mutex_);
        woken_ = true;
    }
    work_.notify_one();
}

std::optional<Error> Writer::failure() const {
    if (!failed_.load(std::memory_order_acquire)) {
        return std::nullopt;
    }
    const std::scoped_lock lock(mutex_);
    return failure_;
}

Result<void> Writer::working() const {
    if (!failed_.load(std::memory_order_acquire)) {
        return {};
    }
    return stopped(*failure());
}

void Writer::fail(Error error) {
    const std::scoped_lock lock(mutex_);
    if (!failure_) {
        failure_ = std::move(error);
        failed_.store(true, std::memory_order_release);
        work_.notify_one();
    }
}

}  // namespace skald::store
