#include "store/writer.h"

#include <fmt/format.h>

#include <algorithm>

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
        admissions_.emplace_back(*log);
    }
    readers_checked_ = parts_.clock.monotonic();
    thread_ = std::thread([this] { run(); });
}

Writer::~Writer() {
    stop();
}

void Writer::stop() {
    {
        const std::scoped_lock lock(mutex_);
        stop_ = true;
    }
    work_.notify_one();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void Writer::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        const auto ended = [this] { return stop_ && queue_.empty() && changes_.empty(); };
        work_.wait(lock, [&] { return !baton_ && (ended() || has_work()); });
        if (ended()) {
            return;
        }
        work(lock);
    }
}

bool Writer::has_work() const {
    return (!queue_.empty() && !throttled()) || !changes_.empty() || woken_;
}

// The newest index entries in memory are at their bound: appends wait until a slice was merged.
bool Writer::throttled() const {
    const auto full = [](const auto& log) { return log->index().full(); };
    return !failure_ && maintainer_ != nullptr && !maintainer_->pending() &&
           std::any_of(parts_.logs.begin(), parts_.logs.end(), full);
}

// Holds the baton for one commit.
void Writer::work(std::unique_lock<std::mutex>& lock) {
    baton_ = true;
    woken_ = false;
    std::vector<Queued> requests = take();
    std::vector<Change*> changes = std::exchange(changes_, {});
    lock.unlock();
    commit(std::move(requests), std::move(changes));
    lock.lock();
    baton_ = false;
    idle_.notify_all();
    if (has_work() || stop_) {
        work_.notify_one();
    }
}

std::vector<Writer::Queued> Writer::take() {
    std::vector<Queued> taken;
    std::size_t bytes = 0;
    std::size_t records = 0;
    if (throttled()) {
        return taken;
    }
    while (!queue_.empty() && bytes < limits::kBatchBytesMax &&
           records < limits::kBatchRecordsMax) {
        const wire::RequestView& request = queue_.front().submission.request;
        bytes += request.bytes().size();
        records += request.header().records;
        taken.push_back(std::move(queue_.front()));
        queue_.pop_front();
    }
    queue_bytes_ -= bytes;
    return taken;
}

void Writer::submit(std::span<const Submission> submissions,
                    std::span<const Partition> partitions) {
    std::size_t refused = submissions.size();
    bool failed = false;
    bool ended = false;
    {
        const std::scoped_lock lock(mutex_);
        failed = failure_.has_value();
        ended = stop_;
        for (std::size_t i = 0; i < submissions.size(); ++i) {
            const std::size_t bytes = submissions[i].request.bytes().size();
            if (failed || ended || queue_.size() >= limits::kQueueRequestsMax ||
                queue_bytes_ + bytes > limits::kQueueBytesMax) {
                refused = i;
                break;
            }
            queue_.push_back({submissions[i], partitions[i]});
            queue_bytes_ += bytes;
        }
    }
    work_.notify_one();
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

Result<AppendOutcome> Writer::append(const Submission& submission, Partition partition) {
    Waiter waiter;
    Submission own = submission;
    own.listener = &waiter;
    {
        std::unique_lock lock(mutex_);
        if (failure_) {
            return stopped(*failure_);
        }
        if (queue_.size() >= limits::kQueueRequestsMax) {
            return Error(Errc::busy, "too many appends wait; try again");
        }
        queue_.push_back({own, partition});
        queue_bytes_ += own.request.bytes().size();
        // Everything ahead of us in the queue goes into the same commit, so one round usually
        // serves.
        while (!baton_ && !throttled() && !waiter.done()) {
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
        if (baton_) {
            idle_.wait(lock);
        } else {
            work(lock);
        }
    }
    return std::move(*waiting.done);
}

Result<void> Writer::alone(const std::function<Result<void>()>& work) {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return !baton_; });
    if (failure_) {
        return stopped(*failure_);
    }
    baton_ = true;
    lock.unlock();
    auto done = work();
    lock.lock();
    baton_ = false;
    idle_.notify_all();
    if (has_work() || stop_) {
        work_.notify_one();
    }
    return done;
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
    }
}

}  // namespace skald::store
