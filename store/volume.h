// A volume: one data directory, one LMDB environment, one writer, N partitions (design.md section
// 3). The engine under skald::open_store and under a node.
#pragma once

#include <atomic>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "skald/admin.h"
#include "skald/event_store.h"
#include "skald/log_source.h"
#include "store/ephemeral.h"
#include "store/inline_handler.h"
#include "store/queue_gate.h"
#include "store/stream_state.h"
#include "wire/request.h"

namespace skald::store {

// How far the data file is written ahead of its last page (file_extender.h), bytes. Multiples of
// 4 KiB. The defaults are measured; a test that wants the extender to race small commits sets less.
struct WriteAhead {
    std::uint64_t begin_at = 16 * limits::kMiB;  // of used file: below, it is not worth it
    std::uint64_t leap = 64 * limits::kMiB;      // from the used end to the first step
    std::uint64_t ahead_max = 256 * limits::kMiB;
    std::uint64_t step = 2 * limits::kMiB;  // between two syncs
    // What a commit may allocate beside what its puts are counted for: free lists, the directory
    // of databases. Far above what was ever seen.
    std::uint64_t commit_slack = 16 * limits::kMiB;
    std::uint64_t free_min = limits::kGiB;  // of disk: below, it pauses
};

struct VolumeOptions {
    std::uint16_t partitions = 1;  // used when the directory is new; else it must match or be 0
    std::size_t map_bytes = 0;     // 0: limits::kMapBytesDefault
    bool create = true;
    bool write_ahead = true;  // extend the data file in the background
    WriteAhead ahead;
};

// How an append ended. With an error nothing was written, except outcome_unknown.
struct AppendOutcome {
    Partition partition;
    Offset offset;    // of the last event
    Version version;  // of the last event
    std::uint32_t records = 0;
    bool repeated = false;
    Epoch epoch;
    std::uint32_t digest = 0;  // for the position just behind it
};

// Stage times of one commit, for skald_stage_seconds.
struct CommitTimes {
    std::size_t requests = 0;
    std::size_t records = 0;
    std::size_t bytes = 0;
    Monotonic begun{};                    // the writer took the last of the requests
    Monotonic checked{};                  // checks done, batch encoded
    Monotonic durable{};                  // the commit's sync returned
    std::chrono::nanoseconds deciding{};  // spent on checks and encoding, of this commit alone
};

class AppendListener;

struct Decided {
    AppendListener* listener;
    std::uint64_t tag;
    Result<AppendOutcome> outcome;
};

// Where outcomes go. Called on the thread that commits; must not block nor call the volume back,
// except submit().
class AppendListener {
  public:
    virtual ~AppendListener() = default;
    virtual void on_outcome(std::uint64_t tag, const Result<AppendOutcome>& outcome) = 0;
    // The same for outcomes that come together; all are this listener's.
    virtual void on_outcomes(std::span<Decided> run) {
        for (const Decided& decided : run) {
            on_outcome(decided.tag, decided.outcome);
        }
    }
    // After the last outcome of a commit.
    virtual void on_commit(const CommitTimes& times) = 0;
    // The request waits for room in a queue, and was copied: its bytes need not stay any longer.
    virtual void on_waits(std::uint64_t /*tag*/) {}
};

// The request's bytes must stay until its outcome was given, or on_waits().
struct Submission {
    wire::RequestView request;
    std::optional<Producer> producer;
    AppendListener* listener = nullptr;
    std::uint64_t tag = 0;
    std::uint64_t source = 0;  // those of one source keep their order; 0: nobody's
};

// A batch or slice, encoded as it goes to a reader.
struct Chunk {
    std::shared_ptr<const std::string> frame;
    Partition partition;
    std::uint32_t events = 0;
    Offset first;
    Offset next;  // one past the last record it accounts for
};

struct CursorOptions {
    Selection selection;
    Start start = Beginning{};
    bool exclusive = false;  // begin after `start`, not at it
    bool backward = false;
    std::vector<std::string> allowed;  // globs of streams that may be seen; empty: all
};

struct ReadBudget {
    std::uint32_t events = 0;
    std::size_t bytes = 0;  // the first event comes whatever its size
    // A whole batch up to these is never cut: the step ends before one that exceeds the budget.
    std::uint32_t whole_events = 0;
    std::size_t whole_bytes = 0;
    std::size_t aim = std::numeric_limits<std::size_t>::max();  // bytes that are enough for a step
    std::size_t records = limits::kScanRecordsMax;  // looked at, and those of the last batch
};

struct Step {
    std::vector<Chunk> chunks;  // in order; each holds only what the reader may see
    bool end = false;           // nothing more below the high-watermark now (forward: caught up)
    // Without chunks: the budget that the next batch takes, when it was too much.
    std::uint32_t wants_events = 0;
    std::size_t wants_bytes = 0;
};

// The same, decoded: for readers in this process.
struct EventStep {
    std::vector<EventView> events;
    std::shared_ptr<const void> memory;  // that they point into
    bool end = false;
};

// A reader's place. It holds no transaction between calls. One thread at a time.
class Cursor {
  public:
    virtual ~Cursor() = default;
    // Goes on from where it stands, up to the budget. What it looked at in vain is behind it.
    // Forward, it may be called again after `end` when the volume's watchers were told of news.
    virtual Result<Step> next(const ReadBudget& budget) = 0;
    // The same as events; what is no whole batch is copied once, and not encoded. Errors: also
    // corrupt, when a record is damaged.
    virtual Result<EventStep> next_events(const ReadBudget& budget) = 0;
    // Whether the reader would get an event like this, wherever it stands. Any thread.
    virtual bool wants(const EventView& event) const = 0;
    // Behind everything that was returned or skipped.
    virtual const Position& position() const = 0;
    // The same for a backward or single-stream read.
    virtual Start resume() const = 0;
};

// A record that a reader knows, and what it is to get of several.
struct Pick {
    Offset offset;
    Version version;
};
struct Picked {
    std::vector<Chunk> chunks;
    std::vector<Offset> gone;  // erased, scavenged, or hidden by a change of their stream
};

// A record under a name of ours, `$...`, that is no event and of no lifecycle: see
// docs/log_format.md.
struct ControlRecord {
    Offset offset;
    std::string data;
};

struct PartitionInfo {
    Partition partition;
    Uuid lineage;
    Epoch epoch;
    Offset start;  // of the log
    Offset high_watermark;
};

struct VolumeInfo {
    Uuid cluster;
    Uuid node;
    std::vector<PartitionInfo> partitions;
    std::uint64_t events = 0;  // records, holes and control records included
    std::uint64_t file_bytes = 0;
    std::uint64_t used_bytes = 0;
    std::size_t owned_bytes = 0;  // memory
};

class Volume {
  public:
    // Errors: already_open, unknown_format, corrupt, read_only, disk_full, not_found, io_error.
    static Result<std::unique_ptr<Volume>> open(const std::string& directory,
                                                const VolumeOptions& options,
                                                const Clock& clock = SystemClock::instance());
    virtual ~Volume() = default;  // waits for what was submitted

    // Queues requests for the next commit, in order; any thread. Each gets exactly one outcome.
    // Beyond limits::kQueueRequestsMax or kQueueBytesMax: busy, at once.
    virtual void submit(std::span<const Submission> submissions) = 0;
    // Commits one request in the caller's thread and gives its outcome meanwhile, unless it waits
    // for room in a queue: no thread switch. False, and nothing submitted, when the writer is not
    // idle.
    virtual bool submit_here(const Submission& submission) = 0;
    // Waits for the outcome, and commits in the caller's thread when the writer is idle.
    virtual Result<AppendOutcome> append(const Submission& submission) = 0;

    // Which partition a request belongs to; cross_partition when to several.
    virtual Result<Partition> partition_of(const wire::RequestView& request) const = 0;
    virtual Partition partition_of(std::string_view stream) const = 0;

    virtual Result<std::unique_ptr<Cursor>> cursor(const CursorOptions& options) = 0;
    // Of one partition, rising; the chunks hold them and nothing else.
    virtual Result<Picked> pick(Partition partition, std::span<const Pick> picks) = 0;
    // The last one under a name, and the one of that name at an offset: corrupt when none is there.
    // They are written as requests that rest on the one before (wire::encode_control,
    // wire::set_query_from): busy when that is not the last any more.
    virtual Result<std::optional<ControlRecord>> last_control(std::string_view stream) = 0;
    virtual Result<std::string> control_at(std::string_view stream, Offset offset) = 0;
    virtual Result<StreamInfo> stream_info(std::string_view stream) = 0;
    // `allowed`: globs of streams that may be seen; empty: all.
    virtual Result<StreamList> list_streams(std::string_view glob, std::string_view after,
                                            std::uint32_t limit,
                                            const std::vector<std::string>& allowed) = 0;
    // The control request that makes the change, to be submitted: its `expected` is the request's.
    virtual Result<std::string> encode_lifecycle(const Lifecycle& request) = 0;
    // The same for what a queue is done with.
    virtual Result<std::string> encode_removal(const std::string& stream,
                                               const Removal& removal) = 0;
    virtual QueueGate& queues() = 0;
    virtual Result<std::optional<Snapshot>> get_snapshot(std::string_view stream) = 0;
    virtual Result<void> put_snapshot(std::string_view stream, const Snapshot& snapshot) = 0;

    // Removes dead records (see skald/admin.h) while reads and appends go on: it writes in slices
    // of limits::kSliceBytesMax and limits::kSliceTimeMax. One at a time, else busy. Stopped, it
    // ends between two slices as shutting_down.
    virtual Result<ScavengeReport> scavenge(const AdminProgress& progress,
                                            const std::stop_token& stop) = 0;

    // For copies of it, while reads and appends go on. Any thread.
    virtual LogSource& log() = 0;

    virtual Position position() const = 0;
    // The position just behind an append, for its receipt.
    virtual Position position_after(const AppendOutcome& outcome) const = 0;
    virtual VolumeInfo info() const = 0;
    // Set once a write failed: nothing is acknowledged any more and the process should end.
    virtual std::optional<Error> failure() const = 0;

    // `watcher` is called after each commit that readers can see, on the writer's thread; it must
    // only wake somebody. Ends with the returned handle.
    virtual std::shared_ptr<void> watch(std::function<void()> watcher) = 0;

    // What passes by the log. Lives as long as the volume.
    virtual EphemeralHub& ephemeral() = 0;

    // What takes part in its commits.
    virtual InlineHost& inline_host() = 0;
};

}  // namespace skald::store
