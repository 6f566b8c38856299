// One commit of the writer: decide, write, publish, answer. With the baton held.
#include <algorithm>

#include "base/limits.h"
#include "store/eraser.h"
#include "store/writer.h"

namespace skald::store {
namespace {

bool is_storage(const Error& error) {
    return class_of(error.code) == ErrorClass::storage;
}

}  // namespace

Error Writer::stopped(const Error& failure) {
    return {Errc::store_failed, "the store stopped after an error: " + failure.message};
}

void Writer::commit(std::vector<Queued> requests, std::vector<Change*> changes) {
    if (maintainer_ != nullptr) {
        if (auto broken = maintainer_->failure()) {
            fail(*broken);
        }
    }
    std::optional<Error> failed = failure();
    times_ = CommitTimes{};
    times_.begun = parts_.clock.monotonic();
    bool wrote = false;
    if (failed) {
        for (const Queued& queued : requests) {
            refuse(queued.submission, stopped(*failed));
        }
    } else {
        clear_stale_readers();
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

// A process that died reading would hold back the reuse of pages for ever.
void Writer::clear_stale_readers() {
    if (times_.begun - readers_checked_ >= limits::kReaderCheckEvery) {
        readers_checked_ = times_.begun;
        parts_.env.clear_stale_readers();
    }
}

Result<void> Writer::decide_and_write(const std::vector<Queued>& requests,
                                      std::vector<Change*>& changes, bool& wrote) {
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
    auto changed = apply_changes(*txn, changes);
    if (!changed) {
        return changed.error();
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
Result<std::uint64_t> Writer::apply_changes(lmdb::WriteTxn& txn, std::vector<Change*>& changes) {
    std::uint64_t growth = 0;
    for (Change* change : changes) {
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
            change->done = std::move(done);
        }
    }
    return growth;
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
    for (std::size_t begin = 0, end = 0; begin < decided_.size(); begin = end) {
        AppendListener* listener = decided_[begin].listener;
        for (; end < decided_.size() && decided_[end].listener == listener; ++end) {
            if (failed && decided_[end].outcome) {
                decided_[end].outcome =
                    Error(Errc::outcome_unknown,
                          "the commit failed, the outcome is unknown: " + failed->message);
            }
        }
        listener->on_outcomes(std::span(decided_).subspan(begin, end - begin));
        if (std::find(listeners.begin(), listeners.end(), listener) == listeners.end()) {
            listeners.push_back(listener);
        }
    }
    decided_.clear();
    for (AppendListener* listener : listeners) {
        listener->on_commit(times_);
    }
}

}  // namespace skald::store
