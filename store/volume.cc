#include "store/volume.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "base/argument_checks.h"
#include "base/glob.h"
#include "base/limits.h"
#include "base/random.h"
#include "store/control_records.h"
#include "store/cursor.h"
#include "store/database_log.h"
#include "store/file_extender.h"
#include "store/identity.h"
#include "store/lmdb/free_list.h"
#include "store/log_set.h"
#include "store/picked_records.h"
#include "store/positions.h"
#include "store/scavenger.h"
#include "store/snapshots.h"
#include "store/stream_list.h"
#include "store/watchers.h"
#include "store/writer.h"

namespace skald::store {
namespace {

class LmdbVolume final : public Volume {
  public:
    LmdbVolume(std::unique_ptr<lmdb::Env> env, const Clock& clock, Identity identity)
        : clock_(clock), identity_(identity), env_(std::move(env)), hub_(clock) {}
    ~LmdbVolume() override;

    Result<void> start(const std::vector<LogDatabases>& databases, const VolumeOptions& options);

    void submit(std::span<const Submission> submissions) override;
    bool submit_here(const Submission& submission) override;
    Result<AppendOutcome> append(const Submission& submission) override;
    Result<Partition> partition_of(const wire::RequestView& request) const override {
        return logs_->partition_of(request);
    }
    Partition partition_of(std::string_view stream) const override {
        return Partition{static_cast<std::uint16_t>(logs_->partition_of(stream))};
    }
    Result<std::unique_ptr<Cursor>> cursor(const CursorOptions& options) override;
    Result<Picked> pick(Partition partition, std::span<const Pick> picks) override;
    Result<std::optional<ControlRecord>> last_control(std::string_view stream) override;
    Result<std::string> control_at(std::string_view stream, Offset offset) override;
    Result<StreamInfo> stream_info(std::string_view stream) override;
    Result<StreamList> list_streams(std::string_view glob, std::string_view after,
                                    std::uint32_t limit,
                                    const std::vector<std::string>& allowed) override;
    Result<std::string> encode_lifecycle(const Lifecycle& request) override;
    Result<std::string> encode_removal(const std::string& stream, const Removal& removal) override;
    QueueGate& queues() override { return queues_; }
    Result<std::optional<Snapshot>> get_snapshot(std::string_view stream) override;
    Result<void> put_snapshot(std::string_view stream, const Snapshot& snapshot) override;
    Result<ScavengeReport> scavenge(const AdminProgress& progress,
                                    const std::stop_token& stop) override;
    LogSource& log() override { return *log_; }
    Position position() const override;
    Position position_after(const AppendOutcome& outcome) const override;
    VolumeInfo info() const override;
    std::optional<Error> failure() const override { return writer_->failure(); }
    std::shared_ptr<void> watch(std::function<void()> watcher) override;
    EphemeralHub& ephemeral() override { return hub_; }
    InlineHost& inline_host() override { return *writer_; }

  private:
    using Encode = std::function<Result<std::string>(const PartitionLog&, const lmdb::ReadTxn&,
                                                     const Visible&)>;
    Result<std::string> encode_for(const std::string& stream, const Encode& encode);
    PartitionLog& log_of(std::string_view stream) const {
        return *set_->logs()[logs_->partition_of(stream)];
    }
    std::vector<Visible> visible() const;
    std::vector<Visible> prepared() const;
    Position position_at(const std::vector<Visible>& ends) const;
    void publish();

    const Clock& clock_;
    Identity identity_;
    std::unique_ptr<lmdb::Env> env_;
    std::unique_ptr<LogSet> set_;
    std::optional<Logs> logs_;
    std::unique_ptr<DatabaseLog> log_;
    mutable std::mutex published_mutex_;
    std::vector<Visible> published_;  // guarded by published_mutex_
    const std::shared_ptr<Watchers> watchers_ = std::make_shared<Watchers>();
    std::unique_ptr<FileExtender> extender_;
    QueueGate queues_{[this] { writer_->wake(); }};
    std::unique_ptr<Writer> writer_;
    std::mutex scavenge_mutex_;  // held by the one that runs
    std::mutex ids_mutex_;
    wire::IdSource ids_;  // guarded by ids_mutex_
    EphemeralHub hub_;
};

// The writer ends first: it commits what waits, and uses all the rest.
LmdbVolume::~LmdbVolume() {
    if (writer_) {
        writer_->stop();
        set_->on_slice({});
    }
    set_.reset();
    writer_.reset();
    extender_.reset();
}

Result<void> LmdbVolume::start(const std::vector<LogDatabases>& databases,
                               const VolumeOptions& options) {
    auto set = LogSet::open(*env_, databases);
    if (!set) {
        return set.error();
    }
    set_ = std::move(*set);
    logs_.emplace(Logs{identity_.cluster, set_->logs()});
    publish();
    log_ = std::make_unique<DatabaseLog>(
        DatabaseLog::Parts{*env_, identity_.cluster, databases, [this] { return visible(); }});
    if (options.write_ahead) {
        extender_ = FileExtender::start(*env_, options.ahead);
    }
    writer_ = std::make_unique<Writer>(
        Writer::Parts{*env_, set_->logs(), clock_, extender_.get(), [this] { publish(); },
                      [this] { return position_at(prepared()); }, &queues_});
    writer_->set_maintainer(&set_->maintainer());
    set_->on_slice([this] { writer_->wake(); });
    return {};
}

// Of whoever writes.
std::vector<Visible> LmdbVolume::prepared() const {
    std::vector<Visible> ends;
    ends.reserve(set_->logs().size());
    for (const auto& log : set_->logs()) {
        ends.push_back({log->next, log->clock, digest_of(log->chain)});
    }
    return ends;
}

void LmdbVolume::publish() {
    std::vector<Visible> visible = prepared();
    {
        const std::scoped_lock lock(published_mutex_);
        published_ = std::move(visible);
    }
    watchers_->tell();
}

std::vector<Visible> LmdbVolume::visible() const {
    const std::scoped_lock lock(published_mutex_);
    return published_;
}

std::shared_ptr<void> LmdbVolume::watch(std::function<void()> watcher) {
    return watchers_->add(std::move(watcher));
}

void LmdbVolume::submit(std::span<const Submission> submissions) {
    if (set_->logs().size() == 1) {
        const std::vector<Partition> zero(submissions.size());
        writer_->submit(submissions, zero);
        return;
    }
    std::vector<Submission> routed;
    std::vector<Partition> partitions;
    for (const Submission& submission : submissions) {
        auto partition = partition_of(submission.request);
        if (!partition) {
            submission.listener->on_outcome(submission.tag, partition.error());
            submission.listener->on_commit(CommitTimes{});
            continue;
        }
        routed.push_back(submission);
        partitions.push_back(*partition);
    }
    writer_->submit(routed, partitions);
}

bool LmdbVolume::submit_here(const Submission& submission) {
    auto partition = partition_of(submission.request);
    return partition && writer_->submit_here(submission, *partition);
}

Result<AppendOutcome> LmdbVolume::append(const Submission& submission) {
    auto partition = partition_of(submission.request);
    if (!partition) {
        return partition.error();
    }
    return writer_->append(submission, *partition);
}

Result<std::unique_ptr<Cursor>> LmdbVolume::cursor(const CursorOptions& options) {
    if (auto ok = writer_->working(); !ok) {
        return ok.error();
    }
    return open_cursor(*logs_, *env_, options, [this] { return visible(); });
}

Result<Picked> LmdbVolume::pick(Partition partition, std::span<const Pick> picks) {
    return pick_records(*set_->logs()[partition.value], *env_, visible()[partition.value], picks);
}

Result<std::optional<ControlRecord>> LmdbVolume::last_control(std::string_view stream) {
    const PartitionLog& log = log_of(stream);
    return store::last_control(log, visible()[log.partition().value].high_watermark, stream);
}

Result<std::string> LmdbVolume::control_at(std::string_view stream, Offset offset) {
    return control_data(log_of(stream), stream, offset);
}

Result<StreamInfo> LmdbVolume::stream_info(std::string_view stream) {
    if (auto ok = writer_->working(); !ok) {
        return ok.error();
    }
    if (auto ok = check_stream_name(stream, true); !ok) {
        return ok.error();
    }
    const PartitionLog& log = log_of(stream);
    const Visible seen = visible()[log.partition().value];
    auto txn = env_->read();
    if (!txn) {
        return txn.error();
    }
    return describe_stream(log, *txn, seen, stream);
}

Result<StreamList> LmdbVolume::list_streams(std::string_view glob, std::string_view after,
                                            std::uint32_t limit,
                                            const std::vector<std::string>& allowed) {
    if (auto ok = writer_->working(); !ok) {
        return ok.error();
    }
    if (limit == 0 || limit > limits::kListMax) {
        return Error(Errc::invalid_argument,
                     fmt::format("a list has 1 to {} streams, not {}", limits::kListMax, limit));
    }
    const std::vector<Visible> seen = visible();
    auto txn = env_->read();
    if (!txn) {
        return txn.error();
    }
    return store::list_streams(set_->logs(), *txn, seen, {glob, after, limit, allowed});
}

Result<std::string> LmdbVolume::encode_lifecycle(const Lifecycle& request) {
    return encode_for(request.stream,
                      [&](const PartitionLog& log, const lmdb::ReadTxn& txn, const Visible& seen) {
                          return encode_change(log, txn, seen, request, ids_);
                      });
}

Result<std::string> LmdbVolume::encode_removal(const std::string& stream, const Removal& removal) {
    return encode_for(stream,
                      [&](const PartitionLog& log, const lmdb::ReadTxn& txn, const Visible& seen) {
                          return store::encode_removal(log, txn, seen, stream, removal, ids_);
                      });
}

Result<std::string> LmdbVolume::encode_for(const std::string& stream, const Encode& encode) {
    if (auto ok = writer_->working(); !ok) {
        return ok.error();
    }
    if (auto ok = check_stream_name(stream); !ok) {
        return ok.error();
    }
    const PartitionLog& log = log_of(stream);
    const Visible seen = visible()[log.partition().value];
    auto txn = env_->read();
    if (!txn) {
        return txn.error();
    }
    const std::scoped_lock lock(ids_mutex_);
    return encode(log, *txn, seen);
}

Result<std::optional<Snapshot>> LmdbVolume::get_snapshot(std::string_view stream) {
    if (auto ok = writer_->working(); !ok) {
        return ok.error();
    }
    auto txn = env_->read();
    if (!txn) {
        return txn.error();
    }
    return read_snapshot(*txn, log_of(stream).databases().snapshots, stream);
}

Result<void> LmdbVolume::put_snapshot(std::string_view stream, const Snapshot& snapshot) {
    if (auto ok = check_snapshot(stream, snapshot); !ok) {
        return ok;
    }
    const lmdb::Database database = log_of(stream).databases().snapshots;
    return writer_->change(
        [&](lmdb::WriteTxn& txn) { return write_snapshot(txn, database, stream, snapshot); });
}

Result<ScavengeReport> LmdbVolume::scavenge(const AdminProgress& progress,
                                            const std::stop_token& stop) {
    const std::unique_lock running(scavenge_mutex_, std::try_to_lock);
    if (!running) {
        return Error(Errc::busy, "the log is being scavenged already");
    }
    return Scavenger({*env_, set_->logs(), *writer_, clock_, [this] { return visible(); }, stop},
                     progress)
        .run();
}

Position LmdbVolume::position() const {
    return position_at(visible());
}

Position LmdbVolume::position_at(const std::vector<Visible>& ends) const {
    Position position{identity_.cluster, {}};
    for (const auto& log : set_->logs()) {
        const Visible& own = ends[log->partition().value];
        position.partitions.push_back(position_of(*log, own.high_watermark, own.digest));
    }
    return position;
}

Position LmdbVolume::position_after(const AppendOutcome& outcome) const {
    const PartitionLog& log = *set_->logs()[outcome.partition.value];
    return {identity_.cluster, {position_of(log, outcome.offset + 1, outcome.digest)}};
}

VolumeInfo LmdbVolume::info() const {
    VolumeInfo info;
    info.cluster = identity_.cluster;
    info.node = identity_.node;
    const std::vector<Visible> seen = visible();
    for (const auto& log : set_->logs()) {
        const Offset end = seen[log->partition().value].high_watermark;
        info.partitions.push_back(
            {log->partition(), log->lineage().id, log->epoch(), log->start(), end});
        info.events += end - log->start();
    }
    info.owned_bytes = set_->owned_bytes();
    const lmdb::EnvInfo env = env_->info();
    const std::uint64_t written = (env.last_page + 1) * env.page_bytes;
    info.file_bytes = written + (extender_ ? extender_->ahead() : 0);
    const auto free = lmdb::free_pages(*env_);
    info.used_bytes = written - (free ? *free : 0) * env.page_bytes;
    return info;
}

}  // namespace

Result<std::unique_ptr<Volume>> Volume::open(const std::string& directory,
                                             const VolumeOptions& options, const Clock& clock) {
    if (options.partitions > limits::kPartitionsMax) {
        return Error(Errc::invalid_argument,
                     fmt::format("at most {} partitions, not {}", limits::kPartitionsMax,
                                 options.partitions));
    }
    lmdb::EnvOptions env_options = store::env_options(options.map_bytes);
    env_options.create = options.create;
    auto env = lmdb::Env::open(directory, env_options);
    if (!env) {
        return env.error();
    }
    std::vector<LogDatabases> databases;
    std::optional<Identity> identity;
    {
        auto txn = (*env)->write();
        if (!txn) {
            return txn.error();
        }
        auto opened = open_identity(*txn, options.partitions);
        if (!opened) {
            opened.error().message = directory + ": " + opened.error().message;
            return opened.error();
        }
        identity = *opened;
        for (std::uint16_t i = 0; i < identity->partitions; ++i) {
            auto own = open_log_databases(*txn, Partition{i}, random_uuid());
            if (!own) {
                return own.error();
            }
            databases.push_back(*own);
        }
        if (auto ok = std::move(*txn).commit(); !ok) {
            return ok.error();
        }
    }
    auto volume = std::make_unique<LmdbVolume>(std::move(*env), clock, *identity);
    if (auto ok = volume->start(databases, options); !ok) {
        return ok.error();
    }
    return std::unique_ptr<Volume>(std::move(volume));
}

}  // namespace skald::store
