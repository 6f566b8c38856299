// A read model under ReadModel and Projector: its environment, its versions, and the transactions
// that change them.
//
// Threads: any. A version is written by one projector at a time, which holds it.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "cqrs/directory_lease.h"
#include "cqrs/live_hub.h"
#include "cqrs/model_catalogue.h"
#include "cqrs/model_progress.h"
#include "cqrs/model_tables.h"
#include "cqrs/parked_events.h"
#include "cqrs/projection_target.h"
#include "cqrs/row_batch.h"
#include "skald/cqrs/read_model.h"
#include "store/lmdb/env.h"

namespace skald::cqrs {

class LiveFeed;

// Where a model keeps its databases, what their names begin with, and who commits its changes.
struct ModelHome {
    using Change = std::function<Result<void>(store::lmdb::WriteTxn&)>;
    store::lmdb::Env& env;
    std::string prefix;  // empty: the environment is the model's alone
    // Commits what `change` does on the caller's thread, unless it fails.
    std::function<Result<void>(const Change& change)> write;
};

class ModelVersion : public VersionWork {
  public:
    ModelVersion(std::uint32_t number_in, ModelTables tables_in, const Clock& clock)
        : VersionWork(clock), number(number_in), tables(std::move(tables_in)) {}

    const std::uint32_t number;
    const ModelTables tables;

    // Events before it have no effects.
    std::shared_ptr<const Position> muted_until() const { return std::atomic_load(&muted_until_); }
    void mute_until(const Position& position) {
        std::atomic_store(&muted_until_,
                          std::shared_ptr<const Position>(std::make_shared<Position>(position)));
    }

  private:
    std::shared_ptr<const Position> muted_until_ = std::make_shared<Position>();
};

class ModelCore {
  public:
    struct Commit {
        const RowBatch* batch = nullptr;
        const ParkedEvents* parked = nullptr;
        Position position;
        std::uint64_t events = 0;  // handled by it
        bool complete = false;
        std::uint64_t term = 0;
    };

    ~ModelCore();
    static Result<std::unique_ptr<ModelCore>> open(const std::string& directory,
                                                   const ReadModelOptions& options);
    // In an environment that outlives it.
    static Result<std::unique_ptr<ModelCore>> within(ModelHome home, const Clock& clock);
    static std::string lease_name(const std::string& name, std::uint32_t version);

    const Clock& clock() const { return clock_; }
    const store::lmdb::Env& env() const { return home_.env; }
    std::string name() const;
    std::vector<VersionStatus> versions() const;

    // Makes it when it is not there; the first of a model is active at once, and its events before
    // `head` have no effects. invalid_argument when the model has another name, or the version
    // another schema; request_too_large beyond the versions it may have.
    Result<std::shared_ptr<ModelVersion>> open_version(const std::string& name,
                                                       std::uint32_t number,
                                                       const RowSchema& schema,
                                                       const Position& head);
    // Commits of lower terms are fenced from now on. fenced when a higher term has begun.
    Result<ModelCheckpoint> begin(const ModelVersion& version, std::uint64_t term);
    // True when the version was active. fenced when a higher term has begun.
    Result<bool> commit(ModelVersion& version, const Commit& commit);
    // The same in a transaction of somebody else: put() in it, then settle() once it is committed.
    // Without settle() nothing happened. No version is made or removed meanwhile.
    struct Put {
        std::optional<LiveHub::Turn> turn{};
        ModelCheckpoint checkpoint{};
        bool active = false;
    };
    Result<void> put(store::lmdb::WriteTxn& txn, const ModelVersion& version, const Commit& commit,
                     Put& done);
    static void settle(ModelVersion& version, const Commit& commit, Put& done);
    // Takes everything out of a version. Events before `muted_until` have no effects then.
    Result<void> reset(ModelVersion& version, const Position& muted_until);
    // Of one key, or of all when it is empty; at most `limit`. not_found.
    Result<std::vector<ParkedEvents::Numbered>> parked(std::uint32_t number, std::string_view key,
                                                       std::size_t limit) const;

    Lease& lease() { return lease_; }

    Result<void> promote(std::uint32_t number, std::chrono::milliseconds wait);
    Result<void> roll_back();
    Result<void> retire(std::uint32_t number);

    // What a query looks at: one version as of one commit.
    struct View {
        std::shared_lock<std::shared_mutex> lock;  // its tables stay
        store::lmdb::ReadTxn txn;
        std::shared_ptr<ModelVersion> version;
        ModelCheckpoint checkpoint;
    };
    // `number` 0: the active one. not_found, rebuilding.
    Result<View> view(std::uint32_t number) const;
    // nullopt when a version is being begun or retired.
    std::optional<Result<View>> try_view(std::uint32_t number) const;
    // The view of the feed's version as of now, every commit after which the feed takes.
    Result<View> follow(LiveFeed& feed, const RowQuery& query) const;
    const std::shared_ptr<LiveHub>& live_hub() const { return live_; }
    // Null when there is none.
    std::shared_ptr<ModelVersion> active() const;
    std::shared_ptr<ModelVersion> find(std::uint32_t number) const;

  private:
    ModelCore(ModelHome home, store::lmdb::Database meta, const Clock& clock);
    Result<void> load(store::lmdb::WriteTxn& txn);
    // `empty`: the environment held nothing before.
    Result<void> check_format(store::lmdb::WriteTxn& txn, bool empty) const;
    Result<View> view_locked(std::shared_lock<std::shared_mutex> lock, std::uint32_t number) const;
    Result<std::shared_ptr<ModelVersion>> add_version(store::lmdb::WriteTxn& txn,
                                                      const VersionRecord& record);
    Result<std::shared_ptr<ModelVersion>> create_version(const std::string& name,
                                                         const VersionRecord& record);
    // Makes `to` active; events that `from` has passed are muted in it.
    Result<void> flip(store::lmdb::WriteTxn& txn, ModelVersion& to, ModelVersion* from);
    // As complete as the version that it replaces.
    Result<void> put_complete(store::lmdb::WriteTxn& txn, const ModelVersion& version);
    Result<void> check_term(const store::lmdb::Txn& txn, const ModelVersion& version,
                            std::uint64_t term) const;
    Result<void> put_muted(store::lmdb::WriteTxn& txn, const ModelVersion& version,
                           const Position& until);
    // Whether the version may be made active now; then it is.
    Result<void> try_promote(ModelVersion& version);
    // The highest that a projector of this name began with.
    Result<std::uint64_t> committed_term(const std::string& lease_name) const;
    std::shared_ptr<ModelVersion> find_locked(std::uint32_t number) const;

    std::unique_ptr<store::lmdb::Env> own_env_;  // null: it is another's
    const ModelHome home_;
    const Catalogue catalogue_;
    const Clock& clock_;
    mutable std::shared_mutex mutex_;  // guards the rest, and that tables stay while shared
    std::map<std::uint32_t, std::shared_ptr<ModelVersion>> versions_;
    std::string name_;
    std::atomic<std::uint32_t> active_ = 0;  // as committed last
    std::atomic<std::uint32_t> previous_ = 0;
    DirectoryLease lease_;
    const std::shared_ptr<LiveHub> live_;
};

}  // namespace skald::cqrs
