// The steps of one commit of the writer: decide, seal, write, publish, answer.
#include <algorithm>

#include "base/limits.h"
#include "store/eraser.h"
#include "store/snapshots.h"
#include "store/writer.h"

namespace skald::store {
namespace {

// What a request needs of memory is on its way while so many before it are decided.
constexpr std::size_t kLookAhead = 4;

bool is_storage(const Error& error) {
    return class_of(error.code) == ErrorClass::storage;
}

}  // namespace

Error Writer::stopped(const Error& failure) {
    return {Errc::store_failed, "the store stopped after an error: " + failure.message};
}

void Writer::begin(Commit& commit) {
    commit.times.begun = parts_.clock.monotonic();
    if (!commit.failed) {
        commit.failed = failure();
    }
    if (commit.touched.empty()) {
        commit.clock = parts_.clock.now();
        for (const auto& log : parts_.logs) {
            commit.clock = std::max(commit.clock, Time{log->clock.us + 1});
        }
    }
}

// The requests taken last. Their batches stay open for more.
void Writer::decide(Commit& commit) {
    begin(commit);
    for (std::size_t i = 0; i < commit.taken.size(); ++i) {
        if (i + kLookAhead < commit.taken.size()) {
            const Queued& coming = commit.taken[i + kLookAhead];
            admissions_[coming.partition.value].prefetch(coming.submission.request);
        }
        decide_one(commit, commit.taken[i]);
    }
    commit.times.checked = parts_.clock.monotonic();
    commit.times.deciding += commit.times.checked - commit.times.begun;
}

void Writer::decide_one(Commit& commit, const Queued& queued) {
    const auto& [submission, partition] = queued;
    const auto wait = [&](std::optional<Monotonic> until) {
        waiting_.put(submission, partition, commit.times.begun, until);
        submission.listener->on_waits(submission.tag);
    };
    if (commit.failed) {
        return give(commit, submission, stopped(*commit.failed));
    }
    const bool has_room = waiting_.has_room(submission);
    if (waiting_.holds_up(submission)) {
        return has_room ? wait(std::nullopt)
                        : give(commit, submission,
                               Error(Errc::busy, "too many appends wait for full queues"));
    }
    Admission& admission = admission_for(commit, partition);
    auto outcome =
        admission.admit(submission, has_room ? std::optional(Monotonic{}) : std::nullopt);
    if (const auto more = admission.wait_more(); more.count() != 0) {
        return wait(commit.times.begun + more);
    }
    give(commit, submission, std::move(outcome));
}

// What waits for room in a queue, when there may be some, or when it has waited enough. Before what
// came later, so that a full commit keeps nobody waiting.
void Writer::retry(Commit& commit) {
    begin(commit);
    if (commit.failed) {
        waiting_.try_all();
    }
    for (const std::string& stream : parts_.queues->take_room()) {
        waiting_.room_in(stream);
    }
    waiting_.time_is(commit.times.begun);
    while (!commit.full()) {
        WaitingRoom::Waiter* const waiter = waiting_.next();
        if (waiter == nullptr) {
            break;
        }
        const Submission& submission = waiter->submission;
        if (commit.failed) {
            give(commit, submission, stopped(*commit.failed));
            waiting_.leave(*waiter);
            continue;
        }
        Admission& admission = admission_for(commit, waiter->partition);
        auto outcome = admission.admit(submission, commit.times.begun - waiter->since);
        if (const auto more = admission.wait_more(); more.count() != 0) {
            waiting_.stay(*waiter, commit.times.begun + more);
            continue;
        }
        commit.bytes += submission.request.bytes().size();
        commit.records += submission.request.header().records;
        give(commit, submission, std::move(outcome));
        waiting_.leave(*waiter);
    }
    commit.times.checked = parts_.clock.monotonic();
    commit.times.deciding += commit.times.checked - commit.times.begun;
}

Admission& Writer::admission_for(Commit& commit, Partition partition) {
    Admission& admission = admissions_[partition.value];
    const std::size_t number = partition.value;
    if (std::find(commit.touched.begin(), commit.touched.end(), number) == commit.touched.end()) {
        commit.touched.push_back(number);
        admission.begin(commit.clock);
    }
    return admission;
}

void Writer::give(Commit& commit, const Submission& submission, Result<AppendOutcome> outcome) {
    if (!commit.failed && !outcome && is_storage(outcome.error())) {
        commit.failed = outcome.error();
    }
    commit.decided.push_back({submission.listener, submission.tag, std::move(outcome)});
    ++commit.times.requests;
}

// Finishes the batches, so that the next commit's begin behind them. True when nothing may be
// prepared meanwhile: this commit goes through what preparing changes, or handlers read what it
// commits.
bool Writer::seal(Commit& commit) {
    for (const std::size_t partition : commit.touched) {
        Admission& admission = admissions_[partition];
        commit.lifecycle = commit.lifecycle || admission.has_lifecycle();
        if (admission.empty() || commit.failed) {
            continue;
        }
        commit.times.records += admission.records();
        const Offset base = parts_.logs[partition]->next;
        auto frame = std::make_shared<const std::string>(admission.finish());
        commit.times.bytes += frame->size();
        commit.written.push_back({partition, base, std::move(frame)});
    }
    commit.times.checked = parts_.clock.monotonic();
    commit.merge = merge_due();
    return commit.merge || commit.lifecycle || !commit.changes.empty() || commit.failed ||
           !inline_.empty();
}

void Writer::execute(Commit& commit) {
    if (maintainer_ != nullptr) {
        if (auto broken = maintainer_->failure()) {
            fail(*broken);
        }
    }
    if (auto broken = failure(); broken && !commit.failed) {
        commit.failed = std::move(broken);
    }
    bool wrote = false;
    if (!commit.failed) {
        clear_stale_readers(commit.times.checked);
        if (auto ok = write(commit, wrote); !ok) {
            commit.failed = ok.error();
        }
    }
    if (commit.failed) {
        fail(*commit.failed);
    }
    commit.times.durable = parts_.clock.monotonic();
    if (!commit.failed && wrote) {
        publish(commit);
    }
    if (!inline_.empty()) {
        inline_.settle(!commit.failed && !commit.written.empty());
    }
    give_outcomes(commit);
    const std::scoped_lock lock(mutex_);
    for (auto& [change, error] : commit.undone) {
        change->done = std::move(error);
    }
    for (Change* change : commit.changes) {
        if (!change->done) {
            change->done = commit.failed ? Result<void>(stopped(*commit.failed)) : Result<void>();
        }
    }
}

// A process that died reading would hold back the reuse of pages for ever.
void Writer::clear_stale_readers(Monotonic now) {
    if (now - readers_checked_ >= limits::kReaderCheckEvery) {
        readers_checked_ = now;
        parts_.env.clear_stale_readers();
    }
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

Result<void> Writer::write(Commit& commit, bool& wrote) {
    const bool slices = maintainer_ != nullptr && maintainer_->pending();
    if (commit.written.empty() && !slices && commit.changes.empty() && !commit.merge) {
        return {};
    }
    std::optional<FileExtender::Guard> guard;
    auto txn = parts_.env.write();
    if (!txn) {
        return txn.error();
    }
    if (auto ok = write_batches(*txn, commit); !ok) {
        return ok;
    }
    auto changed = apply_changes(*txn, commit);
    if (!changed) {
        return changed.error();
    }
    if (auto ok = drop_snapshots(*txn, commit); !ok) {
        return ok;
    }
    if (!inline_.empty() && !commit.written.empty()) {
        if (auto ok = inline_.write(*txn, parts_.end()); !ok) {
            return ok;
        }
    }
    if (slices) {
        if (auto ok = maintainer_->apply(*txn); !ok) {
            return ok;
        }
    }
    if (auto ok = merge_producers(*txn, commit); !ok) {
        return ok;
    }
    if (parts_.extender != nullptr) {
        guard.emplace(*parts_.extender, txn->growth() + *changed);
    }
    if (auto ok = std::move(*txn).commit(); !ok) {
        return ok;
    }
    // Its sync may have been told of an error that was ours.
    if (parts_.extender != nullptr && parts_.extender->sync_failed()) {
        return Error(Errc::io_error, "a sync of the data file failed");
    }
    if (slices) {
        maintainer_->committed();
    }
    wrote = true;
    return {};
}

// What they make the file grow by.
Result<std::uint64_t> Writer::apply_changes(lmdb::WriteTxn& txn, Commit& commit) {
    std::uint64_t growth = 0;
    for (Change* change : commit.changes) {
        // A change that fails is undone alone.
        auto child = txn.child();
        if (!child) {
            return child.error();
        }
        auto done = (*change->apply)(*child);
        growth += child->growth();
        if (done) {
            if (auto ok = std::move(*child).commit(); !ok) {
                return ok.error();
            }
        } else {
            commit.undone.emplace_back(change, std::move(done.error()));
        }
    }
    return growth;
}

Result<void> Writer::write_batches(lmdb::WriteTxn& txn, const Commit& commit) {
    for (const Written& written : commit.written) {
        const PartitionLog& log = *parts_.logs[written.partition];
        if (auto ok = txn.append(log.databases().log, written.base.value, as_bytes(*written.frame));
            !ok) {
            return ok;
        }
    }
    if (!commit.lifecycle) {
        return {};
    }
    for (const Written& written : commit.written) {
        PartitionLog& log = *parts_.logs[written.partition];
        const Admission& admission = admissions_[written.partition];
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
    }
    return {};
}

// What a snapshot was folded from may just have been taken away. After the changes: one that came
// into this commit knows no better.
Result<void> Writer::drop_snapshots(lmdb::WriteTxn& txn, const Commit& commit) {
    if (!commit.lifecycle) {
        return {};
    }
    for (const Written& written : commit.written) {
        const lmdb::Database snapshots = parts_.logs[written.partition]->databases().snapshots;
        for (const std::string& stream : admissions_[written.partition].changed()) {
            if (auto ok = drop_snapshot(txn, snapshots, stream); !ok) {
                return ok;
            }
        }
    }
    return {};
}

Result<void> Writer::merge_producers(lmdb::WriteTxn& txn, const Commit& commit) {
    if (!commit.merge) {
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

void Writer::publish(Commit& commit) {
    for (Written& written : commit.written) {
        PartitionLog& log = *parts_.logs[written.partition];
        log.ring().push(written.base, log.next, std::move(written.frame));
        if (commit.lifecycle) {
            log.forget_pending();
            if (!admissions_[written.partition].erasures().empty()) {
                log.ring().clear();
            }
        }
        log.index().set_sealable(log.next);
    }
    parts_.published();
}

void Writer::give_outcomes(Commit& commit) {
    std::vector<AppendListener*> listeners;
    std::vector<Decided>& decided = commit.decided;
    for (std::size_t begin = 0, end = 0; begin < decided.size(); begin = end) {
        AppendListener* listener = decided[begin].listener;
        for (; end < decided.size() && decided[end].listener == listener; ++end) {
            if (commit.failed && decided[end].outcome) {
                decided[end].outcome =
                    Error(Errc::outcome_unknown,
                          "the commit failed, the outcome is unknown: " + commit.failed->message);
            }
        }
        listener->on_outcomes(std::span(decided).subspan(begin, end - begin));
        if (std::find(listeners.begin(), listeners.end(), listener) == listeners.end()) {
            listeners.push_back(listener);
        }
    }
    for (AppendListener* listener : listeners) {
        listener->on_commit(commit.times);
    }
}

}  // namespace skald::store
