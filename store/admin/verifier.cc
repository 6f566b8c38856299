#include "store/admin/verifier.h"

#include <fmt/format.h>

#include "base/limits.h"

namespace skald::store {
namespace {

constexpr std::size_t kProblemsMax = 1000;
constexpr std::size_t kBytesPerTxn = 64 * limits::kMiB;

}  // namespace

Result<VerifyReport> Verifier::run() {
    const lmdb::EnvInfo env = directory_.env->info();
    total_bytes_ = (env.last_page + 1) * env.page_bytes;
    report_.partitions = directory_.databases.size();
    walked_.resize(directory_.databases.size());
    for (std::size_t i = 0; i < walked_.size(); ++i) {
        partition_ = Partition{static_cast<std::uint16_t>(i)};
        if (auto ok = walk_log(); !ok) {
            return ok.error();
        }
    }
    consumers_.settle(ends());
    // An index over a damaged log says nothing that the log's problems do not say.
    if (report_.problem_count == 0) {
        verify_derived();
    }
    return std::move(report_);
}

void Verifier::problem(VerifyProblem found) {
    ++report_.problem_count;
    if (report_.problems.size() < kProblemsMax) {
        report_.problems.push_back(std::move(found));
    }
}

std::vector<Offset> Verifier::ends() const {
    std::vector<Offset> ends;
    for (const Walked& log : walked_) {
        ends.push_back(log.next);
    }
    return ends;
}

Result<void> Verifier::walk_log() {
    auto known = read_meta();
    if (!known) {
        return known.error();
    }
    for (bool more = *known; more;) {
        auto some = walk_some();
        if (!some) {
            return some.error();
        }
        more = *some;
        if (progress_) {
            progress_(report_.bytes, std::max(total_bytes_, report_.bytes));
        }
    }
    return {};
}

// False when it is damaged: then nothing is known of where the log begins.
Result<bool> Verifier::read_meta() {
    auto txn = directory_.env->read();
    if (!txn) {
        return txn.error();
    }
    auto meta = read_log_meta(*txn, partition_, databases().meta);
    if (!meta) {
        if (meta.error().code != Errc::corrupt) {
            return meta.error();
        }
        problem(std::nullopt, "meta", meta.error().message);
        return false;
    }
    walked().next = meta->start;
    walked().chain = meta->start_chain;
    walked().meta = std::move(*meta);
    auto cursor = lmdb::Cursor::open(*txn, databases().log);
    auto first = cursor ? cursor->first() : cursor.error();
    if (!first) {
        return first.error();
    }
    if (*first && Offset{(*first)->number()} < walked().meta.start) {
        problem(Offset{(*first)->number()}, "log",
                fmt::format("a batch lies below the log's start {}", walked().meta.start.value));
    }
    return true;
}

// One transaction's worth of batches; false at the end.
Result<bool> Verifier::walk_some() {
    auto txn = directory_.env->read();
    if (!txn) {
        return txn.error();
    }
    auto cursor = lmdb::Cursor::open(*txn, databases().log);
    if (!cursor) {
        return cursor.error();
    }
    auto found = cursor->at_or_after(walked().next.value);
    const std::uint64_t stop_at = report_.bytes + kBytesPerTxn;
    while (found && *found && report_.bytes < stop_at) {
        verify_batch(Offset{(*found)->number()}, (*found)->value);
        found = cursor->next();
    }
    if (!found) {
        return found.error();
    }
    return found->has_value();
}

void Verifier::verify_batch(Offset key, Bytes bytes) {
    ++report_.batches;
    report_.bytes += bytes.size();
    Walked& log = walked();
    if (key != log.next) {
        problem(log.next, "log", fmt::format("the next batch is at offset {}", key.value));
    }
    log.next = key + 1;
    auto batch = wire::BatchView::open(bytes, partition_);
    if (!batch) {
        problem(key, "batch", batch.error().message);
        return;
    }
    log.next = batch->end();
    if (batch->base() != key) {
        problem(key, "batch", fmt::format("it says it begins at {}", batch->base().value));
    }
    if (batch->header().chain_before != log.chain) {
        problem(key, "chain", "it does not continue the chain of the batch before it");
    }
    log.chain = batch->header().chain;
    if (batch->recorded_at() <= log.clock) {
        problem(key, "clock", "it is not recorded after the batch before it");
    }
    log.clock = batch->recorded_at();
    if (auto ok = batch->verify(); !ok) {
        problem(key, "record", ok.error().message);
        return;
    }
    verify_counts(*batch);
}

void Verifier::verify_counts(const wire::BatchView& batch) {
    std::uint32_t holes = 0;
    std::uint32_t controls = 0;
    for (wire::EventCursor cursor(batch); cursor.next();) {
        note(cursor.event(), cursor.hole());
        holes += cursor.hole() ? 1 : 0;
        controls += cursor.event().control ? 1 : 0;
    }
    if (holes != batch.header().holes || controls != batch.header().controls) {
        problem(batch.base(), "batch", "it does not count its holes or control records right");
    }
}

void Verifier::note(const EventView& event, bool hole) {
    Walked& log = walked();
    log.fingerprint += record_fingerprint(event, hole);
    if (hole) {
        ++report_.holes;
        if (!log.holes.empty() && log.holes.back().end == event.offset) {
            ++log.holes.back().end;
        } else {
            log.holes.push_back({event.offset, event.offset + 1});
        }
    } else if (event.control) {
        ++report_.control_records;
    } else {
        ++report_.events;
    }
    if (!event.control) {
        return;
    }
    if (is_ours(event.stream)) {
        consumers_.note(event, hole, log.meta.start);
    } else if (hole) {
        problem(event.offset, "hole", "a lifecycle record is gone, and none may be");
    } else {
        note_rule(event);
    }
}

void Verifier::note_rule(const EventView& event) {
    const auto control = decode_control(event.data);
    if (!control) {
        problem(event.offset, "record", "it is no lifecycle record that we know");
        return;
    }
    std::vector<Rule>& rules = walked().rules[std::string(event.stream)];
    if (!rules.empty()) {
        rules.back().until = event.recorded_at;
        rules.back().until_at = event.offset;
    }
    rules.push_back({event.offset, *control, {}, {}});
}

}  // namespace skald::store
