#include "store/writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "store/eraser.h"

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

bool is_storage(const Error& error) {
    return class_of(error.code) == ErrorClass::storage;
}

Error stopped(const Error& failure) {
    return {Errc::store_failed, "the store stopped after an error: " + failure.message};
}

}  // namespace

Writer::Writer(Parts parts) : parts_(std::move(parts)) {
    for (const auto& log : parts_.logs) {
        admissions_.emplace_back(*log);
    }
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

void Writer::wake() {
    {
        const std::scoped_lock lock(mutex_);
        woken_ = true;
    }
    work_.notify_one();
}

std::optional<Error> Writer::failure() const {
    const std::scoped_lock lock(mutex_);
    return failure_;
}

void Writer::fail(Error error) {
    const std::scoped_lock lock(mutex_);
    if (!failure_) {
        failure_ = std::move(error);
    }
}

void Writer::commit(std::vector<Queued> requests, std::vector<Change*> changes) {
    std::optional<Error> failed = failure();
    times_ = CommitTimes{};
    times_.begun = parts_.clock.monotonic();
    bool wrote = false;
    if (failed) {
        for (const Queued& queued : requests) {
            refuse(queued.submission, stopped(*failed));
        }
    } else {
        auto ok = decide_and_write(requests, changes, wrote);
        if (!ok) {
            failed = ok.error();
            fail(*failed);
        }
    }
    times_.durable = parts_.clock.monotonic();
    if (!failed && wrote) {
        publish();
    }
    give_outcomes(failed);
    const std::scoped_lock lock(mutex_);
    for (Change* change : changes) {
        if (!change->done) {
            change->done = failed ? Result<void>(stopped(*failed)) : Result<void>();
        }
    }
}

Result<void> Writer::decide_and_write(const std::vector<Queued>& requests,
                                      std::vector<Change*>& changes, bool& wrote) {
    if (maintainer_ != nullptr) {
        if (auto failure = maintainer_->failure()) {
            fail(*failure);
        }
    }
    auto ok = decide(requests);
    times_.checked = parts_.clock.monotonic();
    return ok ? write(changes, wrote) : ok;
}

Result<void> Writer::decide(const std::vector<Queued>& requests) {
    decided_.clear();
    touched_.clear();
    std::optional<Error> failed;
    clock_ = parts_.clock.now();
    for (const auto& log : parts_.logs) {
        clock_ = std::max(clock_, Time{log->clock.us + 1});
    }
    for (const Queued& queued : requests) {
        const auto decided = [&](Result<AppendOutcome> outcome) {
            decided_.push_back(
                {queued.submission.listener, queued.submission.tag, std::move(outcome)});
        };
        if (failed) {
            decided(stopped(*failed));
            continue;
        }
        const std::size_t partition = queued.partition.value;
        Admission& admission = admissions_[partition];
        if (std::find(touched_.begin(), touched_.end(), partition) == touched_.end()) {
            touched_.push_back(partition);
            admission.begin(clock_);
        }
        auto outcome = admission.admit(queued.submission);
        if (!outcome && is_storage(outcome.error())) {
            failed = outcome.error();
        }
        decided(std::move(outcome));
    }
    times_.requests = requests.size();
    return failed ? Result<void>(*failed) : Result<void>();
}

bool Writer::merge_due() const {
    if (merging_producers_) {
        return true;
    }
    for (const auto& log : parts_.logs) {
        if (log->producers().merge_due(log->next)) {
            return true;
        }
    }
    return false;
}

Result<void> Writer::write(std::vector<Change*>& changes, bool& wrote) {
    bool batches = false;
    for (const std::size_t partition : touched_) {
        batches = batches || !admissions_[partition].empty();
    }
    const bool slices = maintainer_ != nullptr && maintainer_->pending();
    if (!batches && !slices && changes.empty() && !merge_due()) {
        return {};
    }
    std::optional<FileExtender::Guard> guard;
    auto txn = parts_.env.write();
    if (!txn) {
        return txn.error();
    }
    if (auto ok = write_batches(*txn); !ok) {
        return ok;
    }
    for (Change* change : changes) {
        // A change that fails is undone alone.
        auto child = txn->child();
        if (!child) {
            return child.error();
        }
        auto done = (*change->apply)(*child);
        if (done) {
            if (auto ok = std::move(*child).commit(); !ok) {
                return ok;
            }
        } else {
            change->done = std::move(done);
        }
    }
    if (slices) {
        if (auto ok = maintainer_->apply(*txn); !ok) {
            return ok;
        }
    }
    if (auto ok = merge_producers(*txn); !ok) {
        return ok;
    }
    if (parts_.extender != nullptr) {
        guard.emplace(*parts_.extender, times_.bytes + 2 * limits::kSliceBytesMax);
    }
    if (auto ok = std::move(*txn).commit(); !ok) {
        return ok;
    }
    if (slices) {
        maintainer_->committed();
    }
    wrote = true;
    return {};
}

Result<void> Writer::write_batches(lmdb::WriteTxn& txn) {
    written_.clear();
    for (const std::size_t partition : touched_) {
        Admission& admission = admissions_[partition];
        if (admission.empty()) {
            continue;
        }
        PartitionLog& log = *parts_.logs[partition];
        const Offset base = log.next;
        times_.records += admission.records();
        auto frame = std::make_shared<const std::string>(admission.finish());
        times_.bytes += frame->size();
        if (auto ok = txn.append(log.databases().log, base.value, as_bytes(*frame)); !ok) {
            return ok;
        }
        if (admission.has_lifecycle()) {
            if (auto ok = log.mark_lifecycle(txn); !ok) {
                return ok;
            }
        }
        for (const Admission::Erasure& erasure : admission.erasures()) {
            if (auto ok = erase_event(txn, log, erasure.stream, erasure.version); !ok) {
                return ok;
            }
        }
        written_.push_back({partition, base, std::move(frame)});
    }
    return {};
}

Result<void> Writer::merge_producers(lmdb::WriteTxn& txn) {
    if (!merge_due()) {
        return {};
    }
    std::size_t left = limits::kSliceBytesMax;
    merging_producers_ = false;
    for (const auto& log : parts_.logs) {
        auto put = log->producers().merge(txn, log->next, left);
        if (!put) {
            return put.error();
        }
        left -= std::min(left, *put);
        merging_producers_ = merging_producers_ || log->producers().dirty();
    }
    return {};
}

void Writer::publish() {
    for (Written& written : written_) {
        PartitionLog& log = *parts_.logs[written.partition];
        log.ring().push(written.base, log.next, std::move(written.frame));
        log.forget_pending();
        if (!admissions_[written.partition].erasures().empty()) {
            log.ring().clear();
        }
        log.index().set_sealable(log.next);
    }
    written_.clear();
    parts_.published();
}

void Writer::give_outcomes(const std::optional<Error>& failed) {
    std::vector<AppendListener*> listeners;
    for (Decided& decided : decided_) {
        if (failed && decided.outcome) {
            decided.outcome =
                Error(Errc::outcome_unknown,
                      "the commit failed, the outcome is unknown: " + failed->message);
        }
        decided.listener->on_outcome(decided.tag, decided.outcome);
        if (std::find(listeners.begin(), listeners.end(), decided.listener) == listeners.end()) {
            listeners.push_back(decided.listener);
        }
    }
    decided_.clear();
    for (AppendListener* listener : listeners) {
        listener->on_commit(times_);
    }
}

}  // namespace skald::store
