// Reads everything again: records, chain, gaplessness, lifecycle, index (rule L8).
#include <fmt/format.h>

#include <set>

#include "base/limits.h"
#include "skald/admin.h"
#include "store/admin/directory.h"
#include "store/lifecycle_mask.h"
#include "store/log_set.h"

namespace skald {
namespace store {
namespace {

constexpr std::size_t kProblemsMax = 1000;
constexpr std::size_t kBytesPerTxn = 64 * limits::kMiB;
constexpr std::size_t kHolesHeldMax = 1'000'000;

class Verifier {
  public:
    Verifier(Directory& directory, const AdminProgress& progress)
        : directory_(directory), progress_(progress) {}

    Result<VerifyReport> run() {
        const lmdb::EnvInfo env = directory_.env->info();
        total_bytes_ = (env.last_page + 1) * env.page_bytes;
        for (std::size_t i = 0; i < directory_.databases.size(); ++i) {
            partition_ = Partition{static_cast<std::uint16_t>(i)};
            if (auto ok = verify_partition(); !ok) {
                return ok.error();
            }
        }
        report_.partitions = directory_.databases.size();
        return std::move(report_);
    }

  private:
    struct Hole {
        std::string stream;
        Version version;
        Offset offset;
        auto operator<=>(const Hole&) const = default;
    };

    void problem(std::optional<Offset> offset, std::string place, std::string message) {
        ++report_.problem_count;
        if (report_.problems.size() < kProblemsMax) {
            report_.problems.push_back({partition_, offset, std::move(place), std::move(message)});
        }
    }

    Result<void> verify_partition() {
        const std::uint64_t problems_before = report_.problem_count;
        fingerprint_ = 0;
        holes_.clear();
        erased_.clear();
        if (auto ok = read_meta(); !ok) {
            return ok;
        }
        for (bool more = true; more;) {
            auto walked = walk_some();
            if (!walked) {
                return walked.error();
            }
            more = *walked;
            if (progress_) {
                progress_(report_.bytes, std::max(total_bytes_, report_.bytes));
            }
        }
        // An index over a damaged log says nothing that the log's problems do not say.
        if (report_.problem_count == problems_before) {
            return verify_index();
        }
        return {};
    }

    Result<void> read_meta() {
        auto txn = directory_.env->read();
        if (!txn) {
            return txn.error();
        }
        auto meta = read_log_meta(*txn, partition_, databases().meta);
        if (!meta) {
            return meta.error();
        }
        next_ = meta->start;
        chain_ = meta->start_chain;
        clock_ = Time{};
        lineages_ = meta->lineages;
        return {};
    }

    const LogDatabases& databases() const { return directory_.databases[partition_.value]; }

    // One transaction's worth of batches; false at the end.
    Result<bool> walk_some() {
        auto txn = directory_.env->read();
        if (!txn) {
            return txn.error();
        }
        auto cursor = lmdb::Cursor::open(*txn, databases().log);
        if (!cursor) {
            return cursor.error();
        }
        auto found = cursor->at_or_after(next_.value);
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

    void verify_batch(Offset key, Bytes bytes) {
        ++report_.batches;
        report_.bytes += bytes.size();
        if (key != next_) {
            problem(next_, "log", fmt::format("the next batch is at offset {}", key.value));
        }
        next_ = key + 1;
        auto batch = wire::BatchView::open(bytes, partition_);
        if (!batch) {
            problem(key, "batch", batch.error().message);
            return;
        }
        next_ = batch->end();
        if (batch->base() != key) {
            problem(key, "batch",
                    fmt::format("it says it begins at offset {}", batch->base().value));
        }
        if (batch->header().chain_before != chain_) {
            problem(key, "chain", "it does not continue the chain of the batch before it");
        }
        chain_ = batch->header().chain;
        if (batch->recorded_at() <= clock_) {
            problem(key, "clock", "it is not recorded after the batch before it");
        }
        clock_ = batch->recorded_at();
        if (auto ok = batch->verify(); !ok) {
            problem(key, "record", ok.error().message);
            return;
        }
        for (wire::EventCursor cursor(*batch); cursor.next();) {
            note(cursor.event(), cursor.hole());
        }
    }

    void note(const EventView& event, bool hole) {
        fingerprint_ += record_fingerprint(event, hole);
        if (hole) {
            ++report_.holes;
            if (holes_.size() < kHolesHeldMax) {
                holes_.push_back({std::string(event.stream), event.version, event.offset});
            }
        } else if (event.control) {
            ++report_.control_records;
            const auto control = decode_control(event.data);
            if (!control) {
                problem(event.offset, "record", "it is no lifecycle record that we know");
            } else if (control->erased) {
                erased_.emplace(event.stream, *control->erased);
            }
        } else {
            ++report_.events;
        }
    }

    Result<void> verify_index() {
        if (!set_) {
            auto set = LogSet::open(*directory_.env, directory_.databases);
            if (!set) {
                problem(std::nullopt, "index", set.error().message);
                return {};
            }
            set_ = std::move(*set);
        }
        const PartitionLog& log = *set_->logs()[partition_.value];
        auto txn = directory_.env->read();
        if (!txn) {
            return txn.error();
        }
        auto snapshot = log.index().snapshot(*txn, next_);
        auto sum = snapshot ? (*snapshot)->fingerprint() : Result<std::uint64_t>(snapshot.error());
        if (!sum) {
            problem(std::nullopt, "index", sum.error().message);
            return {};
        }
        report_.index_checked = true;
        if (*sum != fingerprint_) {
            problem(std::nullopt, "index", "it does not hold what the log holds");
        }
        return verify_holes(log, **snapshot);
    }

    // A hole is right where its stream's state hides the event, or a record erased it.
    Result<void> verify_holes(const PartitionLog& log, const IndexSnapshot& snapshot) {
        for (const Hole& hole : holes_) {
            if (erased_.contains({hole.stream, hole.version})) {
                continue;
            }
            auto facts = facts_of(log, snapshot, hole.stream);
            if (!facts) {
                return facts.error();
            }
            // Ages only grow: what was scavenged for its age stays explained by a limit on age.
            if (!facts->control.limits.max_age &&
                facts->control.alive(hole.version, clock_, facts->next, clock_)) {
                problem(hole.offset, "hole",
                        fmt::format("no lifecycle record explains why event {} of {} is gone",
                                    hole.version.value, hole.stream));
            }
        }
        return {};
    }

    Directory& directory_;
    const AdminProgress& progress_;
    VerifyReport report_;
    std::unique_ptr<LogSet> set_;  // opened once the first partition's log was found sound
    std::uint64_t total_bytes_ = 0;
    Partition partition_;
    Offset next_;
    wire::ChainHash chain_{};
    Time clock_;
    std::vector<Lineage> lineages_;
    std::uint64_t fingerprint_ = 0;
    std::vector<Hole> holes_;
    std::set<std::pair<std::string, Version>> erased_;
};

}  // namespace
}  // namespace store

Result<VerifyReport> verify_directory(const std::string& path, const AdminProgress& progress) {
    auto directory = store::open_exclusively(path);
    if (!directory) {
        return directory.error();
    }
    return store::Verifier(*directory, progress).run();
}

}  // namespace skald
