// Takes the bytes of dead records out of the log and out of the data file (rule L6).
//
// Dead is an event that its stream's newest lifecycle record hides at the high-watermark and the
// log's clock, and a control record of a durable consumer that nothing rests on any more
// (needed_controls.h). Its record becomes a hole, which keeps its hash, version and id. A batch at
// the head of the log goes altogether, and the log then starts behind it, when it holds nothing but
// holes, and of no stream the record that alone tells how far the stream came: its newest event,
// unless the stream's lifecycle record says as much. Other control records stay, and so does the
// last batch.
//
// What that means to a producer: nothing, except that a retry of a request whose batch is gone is
// answered log_truncated when the index does not know its version any more, as after a restore; and
// that exact and no_stream requests are not recognised by their versions once these are gone.
#pragma once

#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "skald/admin.h"
#include "store/lmdb/scrubber.h"
#include "store/needed_controls.h"
#include "store/partition_log.h"
#include "store/writer.h"

namespace skald::store {

// For one run, in one thread, beside readers and the writer. Everything it holds while it works is
// some slices large.
class Scavenger {
  public:
    struct Parts {
        lmdb::Env& env;
        const std::vector<std::unique_ptr<PartitionLog>>& logs;
        Writer& writer;
        const Clock& clock;
        std::function<std::vector<Visible>()> visible;  // what readers may see now
        std::stop_token stop;                           // ends it between two slices
    };
    // Records that come while it runs are left for the next run.
    Scavenger(Parts parts, const AdminProgress& progress);

    // Errors: shutting_down when it was stopped, store_failed, corrupt with the offset of a batch
    // that cannot be read, map_full, disk_full, io_error.
    Result<ScavengeReport> run();

  private:
    struct Rewrite {
        wire::BatchHeader before;
        std::string after;
        std::size_t removed = 0;
        std::vector<std::string> streams;  // of the removed events
    };
    struct Drop {
        wire::BatchHeader header;
    };
    using Facts = std::unordered_map<std::string, StreamFacts>;

    // Whether the batch was taken and the next may come.
    using Visit = std::function<Result<bool>(const wire::BatchView&)>;

    Result<Offset> walk(PartitionLog& log, Offset at, Offset end, const Visit& visit);
    Result<void> go_on() const;
    Result<void> rewrite(PartitionLog& log, Offset end);
    Result<Offset> prepare(PartitionLog& log, Offset at, Offset end,
                           std::vector<Rewrite>& rewrites);
    Result<std::unique_ptr<IndexSnapshot>> look(PartitionLog& log, const lmdb::ReadTxn& txn);
    Result<std::optional<Rewrite>> punch(const wire::BatchView& batch);
    Result<bool> mortal(const wire::BatchView& batch);
    Result<bool> dead(const EventView& record);
    Result<Offset> apply(PartitionLog& log, const std::vector<Rewrite>& rewrites, Offset end);
    Result<bool> still_dead(PartitionLog& log, const Rewrite& rewrite) const;

    Result<void> drop_head(PartitionLog& log);
    Result<std::vector<Drop>> find_head(PartitionLog& log);
    Result<bool> may_drop(const wire::BatchView& batch);
    Result<void> settle_producers(PartitionLog& log, Offset end);
    Result<void> drop(PartitionLog& log, const std::vector<Drop>& drops);

    Result<void> scrub();
    Result<void> zero_free_pages(lmdb::Scrubber& scrubber);
    Result<void> wipe_buffers(lmdb::Scrubber& scrubber);
    Result<void> zero_gaps(lmdb::Scrubber& scrubber);
    Result<void> move_on();

    Result<const StreamFacts*> facts(std::string_view stream);
    void advance(std::uint64_t bytes);
    void begin_slice() { slice_begun_ = parts_.clock.monotonic(); }
    bool slice_over() const;

    Parts parts_;
    const AdminProgress& progress_;
    ScavengeReport report_;
    NeededControls controls_;  // when it began
    Monotonic slice_begun_{};
    std::uint64_t bytes_done_ = 0;
    std::uint64_t bytes_total_ = 0;

    // What the last look at a partition rests on; the index as long as its transaction.
    Visible seen_;
    PartitionLog* log_ = nullptr;
    const IndexSnapshot* index_ = nullptr;
    Facts facts_;
};

}  // namespace skald::store
