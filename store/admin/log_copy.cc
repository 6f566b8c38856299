#include "store/admin/log_copy.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "base/random.h"
#include "store/producer_rows.h"
#include "store/sequence_store.h"

namespace skald::store {
namespace {

// What one transaction moves: reads stay short, writes large enough to be fast.
constexpr std::size_t kCopyBytes = 16 * limits::kMiB;
constexpr std::size_t kProducerBytes = 256 * limits::kKiB;
// Each goes over what came during the one before, or begins a partition anew.
constexpr int kRoundsMax = 16;

class LogCopy {
  public:
    LogCopy(LogSource& from, Directory& to, const AdminProgress& progress)
        : from_(from), to_(to), progress_(progress), copied_(to.databases.size()) {}

    Result<CopyTotals> run(bool fork) {
        for (std::uint16_t i = 0; i < copied_.size(); ++i) {
            if (auto ok = begin(Partition{i}); !ok) {
                return ok.error();
            }
        }
        if (auto ok = copy_rounds(); !ok) {
            return ok.error();
        }
        return finish(fork);
    }

  private:
    struct Copied {
        Offset producers_from;  // the log must have all from here on
        bool begun = false;     // the rest is known
        LogMeta meta;
        Offset next;
        wire::ChainHash chain{};
        Time clock;
        std::uint64_t batches = 0;
        std::uint64_t bytes = 0;
        bool holes = false;  // some came in this round
    };

    lmdb::Database log_of(Partition p) const { return to_.databases[p.value].log; }
    lmdb::Database producers_of(Partition p) const { return to_.databases[p.value].producers; }

    Result<lmdb::WriteTxn*> txn() {
        if (!txn_) {
            auto begun = to_.env->write();
            if (!begun) {
                return begun.error();
            }
            txn_.emplace(std::move(*begun));
            waiting_bytes_ = 0;
        }
        return &*txn_;
    }

    Result<void> commit() {
        if (!txn_) {
            return {};
        }
        lmdb::WriteTxn ending = std::move(*txn_);
        txn_.reset();
        return std::move(ending).commit();
    }

    Result<void> count(std::size_t bytes) {
        waiting_bytes_ += bytes;
        return waiting_bytes_ >= kCopyBytes ? commit() : Result<void>();
    }

    // From nothing: what is known of producers.
    Result<void> begin(Partition p) {
        Copied& own = copied_[p.value] = {};
        std::string after;
        for (bool first = true; first || !after.empty(); first = false) {
            auto page = from_.producers(p, after, kProducerBytes);
            if (!page) {
                return page.error();
            }
            auto to = txn();
            if (!to) {
                return to.error();
            }
            if (first) {
                own.producers_from = page->covered;
                if (auto ok = clear(**to, p); !ok) {
                    return ok;
                }
            }
            if (auto ok = write_producer_rows(**to, producers_of(p), page->rows); !ok) {
                return ok;
            }
            if (auto ok = count(page->rows.size()); !ok) {
                return ok;
            }
            after = std::move(page->next);
        }
        return {};
    }

    Result<void> clear(lmdb::WriteTxn& to, Partition p) {
        for (const lmdb::Database database : {log_of(p), producers_of(p)}) {
            if (auto ok = to.clear(database); !ok) {
                return ok;
            }
        }
        return write_covered(to, producers_of(p), copied_[p.value].producers_from);
    }

    Result<void> copy_rounds() {
        for (int round = 0; round < kRoundsMax; ++round) {
            auto state = from_.state();
            if (!state) {
                return state.error();
            }
            if (state->partitions.size() != copied_.size()) {
                return Error(Errc::wrong_lineage, "the log has another number of partitions now");
            }
            total_bytes_ = state->bytes;
            overtaken_.reset();
            bool done = true;
            for (std::uint16_t i = 0; i < copied_.size(); ++i) {
                auto whole = copy_up_to(Partition{i}, state->partitions[i]);
                if (!whole) {
                    return whole.error();
                }
                done = done && *whole;
            }
            if (done) {
                return {};
            }
        }
        return overtaken_.value_or(
            Error(Errc::busy, "the log is being scavenged; copy it again later"));
    }

    // False when another round is needed.
    Result<bool> copy_up_to(Partition p, const PartitionState& seen) {
        Copied& own = copied_[p.value];
        if (!own.begun && own.producers_from < seen.meta.start) {
            return begin_again(p);
        }
        if (!own.begun) {
            own.begun = true;
            own.meta = seen.meta;
            own.next = seen.meta.start;
            own.chain = seen.meta.start_chain;
        }
        if (own.meta.lineages != seen.meta.lineages) {
            return Error(
                Errc::wrong_lineage,
                fmt::format("partition {} became another log while it was copied", p.value));
        }
        own.meta.epoch = seen.meta.epoch;
        own.meta.lifecycle = seen.meta.lifecycle;
        own.holes = false;
        while (own.next < seen.high_watermark) {
            auto run = from_.batches({p, own.next, seen.high_watermark, kCopyBytes});
            if (!run && run.error().code == Errc::log_truncated) {
                overtaken_ = std::move(run.error());
                return begin_again(p);
            }
            auto ok = run ? take(p, *run, seen.high_watermark) : Result<void>(run.error());
            if (!ok) {
                return ok.error();
            }
            report();
        }
        return !own.holes;
    }

    Result<bool> begin_again(Partition p) {
        auto ok = begin(p);
        return ok ? Result<bool>(false) : ok.error();
    }

    Result<void> take(Partition p, const BatchRun& run, Offset end) {
        if (run.batches.empty()) {
            return damaged(p, "the log ends before its high-watermark");
        }
        for (const Bytes bytes : run.batches) {
            auto batch = wire::BatchView::open(bytes, p);
            auto ok = batch ? check(p, *batch, end) : damaged(p, batch.error().message);
            if (!ok) {
                return ok;
            }
            if (auto put = put_batch(p, *batch); !put) {
                return put;
            }
        }
        return {};
    }

    Result<void> check(Partition p, const wire::BatchView& batch, Offset end) const {
        const Copied& own = copied_[p.value];
        if (batch.slice() || batch.base() != own.next || batch.end() > end) {
            return damaged(p, "another batch came than the one that begins there");
        }
        if (batch.header().chain_before != own.chain) {
            return damaged(p, "the batch does not continue the chain of the one before it");
        }
        if (batch.recorded_at() <= own.clock) {
            return damaged(p, "the batch is not recorded after the one before it");
        }
        auto sound = batch.verify();
        return sound ? sound : damaged(p, sound.error().message);
    }

    Result<void> put_batch(Partition p, const wire::BatchView& batch) {
        Copied& own = copied_[p.value];
        auto to = txn();
        if (!to) {
            return to.error();
        }
        if (auto ok = (*to)->append(log_of(p), batch.base().value, batch.bytes()); !ok) {
            return ok;
        }
        own.next = batch.end();
        own.chain = batch.header().chain;
        own.clock = batch.recorded_at();
        own.holes = own.holes || batch.header().holes != 0;
        ++own.batches;
        own.bytes += batch.bytes().size();
        return count(batch.bytes().size());
    }

    Error damaged(Partition p, std::string_view why) const {
        const std::uint64_t offset = copied_[p.value].next.value;
        Error error(Errc::corrupt,
                    fmt::format("partition {} at offset {}: {}", p.value, offset, why));
        error.offset = offset;
        return error;
    }

    void report() const {
        std::uint64_t done = 0;
        for (const Copied& own : copied_) {
            done += own.bytes;
        }
        if (progress_) {
            progress_(done, std::max(done, total_bytes_));
        }
    }

    // With the identity it becomes a log, all at once.
    Result<CopyTotals> finish(bool fork) {
        CopyTotals totals;
        auto to = txn();
        if (!to) {
            return to.error();
        }
        for (std::uint16_t i = 0; i < copied_.size(); ++i) {
            Copied& own = copied_[i];
            if (fork) {
                own.meta.lineages.push_back({random_uuid(), own.next});
            }
            if (auto ok = write_log_meta(**to, to_.databases[i].meta, own.meta); !ok) {
                return ok.error();
            }
            totals.batches += own.batches;
            totals.records += own.next - own.meta.start;
            totals.bytes += own.bytes;
            totals.partitions.push_back(
                {Partition{i}, own.meta.lineages.back().id, own.meta.start, own.next});
        }
        if (auto ok = write_identity(**to, to_.identity); !ok) {
            return ok.error();
        }
        if (auto ok = commit(); !ok) {
            return ok.error();
        }
        return totals;
    }

    LogSource& from_;
    Directory& to_;
    const AdminProgress& progress_;
    std::vector<Copied> copied_;  // by partition
    std::optional<lmdb::WriteTxn> txn_;
    std::size_t waiting_bytes_ = 0;  // in txn_
    std::uint64_t total_bytes_ = 0;
    std::optional<Error> overtaken_;  // by the log's head, in this round
};

}  // namespace

Result<CopyTotals> copy_log(LogSource& from, const std::string& to, bool fork,
                            const AdminProgress& progress) {
    auto state = from.state();
    if (!state) {
        return state.error();
    }
    if (state->partitions.empty() || state->partitions.size() > limits::kPartitionsMax) {
        return Error(Errc::malformed, "a log without partitions, or with too many");
    }
    Identity identity;
    identity.cluster = state->cluster;
    identity.node = random_uuid();
    identity.partitions = static_cast<std::uint16_t>(state->partitions.size());
    auto directory = begin_directory(to, identity);
    if (!directory) {
        return directory.error();
    }
    auto totals = LogCopy(from, *directory, progress).run(fork);
    directory->env.reset();
    if (!totals) {
        discard_directory(to);
    }
    return totals;
}

}  // namespace skald::store
