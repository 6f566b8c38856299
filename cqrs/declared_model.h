// One declared projection: its declarations, its read model, and a projector each version.
//
// Threads: any, for every method. Whoever queries holds it by shared_ptr, so that it may be removed
// meanwhile.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "cqrs/declaration_files.h"
#include "cqrs/model_core.h"
#include "skald/cqrs/declared.h"
#include "skald/cqrs/declared_models.h"

namespace skald::cqrs {

class DeclaredModel {
  public:
    DeclaredModel(EventStore& store, std::string name, const std::string& directory,
                  const ReadModelOptions& options);

    // Reads what is stored; projectors are not started. An error is its fault from then on.
    void load();
    bool is_empty() const;  // holds nothing of a projection

    Result<ModelInfo> info() const;
    Result<ModelBegun> begin(Declaration declaration, std::string_view text, bool run);
    Result<ModelBegun> rebuild(bool run);
    Result<ModelBegun> promote(std::uint32_t version, std::chrono::milliseconds wait);
    // Unless it is paused. What runs goes on. What keeps a version from running is told by info(),
    // too; the others are started.
    Result<void> start();
    Result<void> pause();
    Result<void> resume();
    Result<std::vector<ParkedEvent>> parked(const std::string& key) const;
    Result<Replayed> replay_parked(const std::string& key) const;
    Result<void> remove();
    Result<StreamState> fold(const StreamAt& what) const;
    Result<RowPage> query(const RowQuery& query) const;
    // nullopt also while the model changes.
    std::optional<RowPage> try_query(const RowQuery& query) const;
    Result<std::unique_ptr<LiveSource>> follow(const RowQuery& query,
                                               const LiveOptions& options) const;
    Result<void> catch_up(std::uint32_t version, const DeclaredModels::Progress& progress) const;

  private:
    Result<std::shared_ptr<ReadModel>> to_ask() const;
    struct Built {
        std::string text;
        Declaration declaration;
        std::shared_ptr<Projector> projector;  // null while it does not run
        std::optional<Error> fault;            // why not, when it should
    };
    Error about(const Error& error) const;
    // What catch_up() waits for; null while it is paused.
    Result<std::shared_ptr<const ModelVersion>> followed(std::uint32_t version) const;
    // All with mutex_.
    Result<void> usable() const;
    Result<void> changeable() const;  // also when it is not open
    Result<void> open();
    Result<void> load_versions();
    Result<void> match_versions();
    Result<ModelBegun> add(std::uint32_t version, Declaration declaration, std::string_view text,
                           bool run);
    Result<void> start(std::uint32_t version, Built& built);
    static void stop(Built& built);
    Result<std::uint32_t> promotable(std::uint32_t version) const;
    Result<void> drop(std::uint32_t version);
    Result<void> drop_but(std::uint32_t kept);
    std::uint32_t newest() const { return versions_.empty() ? 0 : versions_.rbegin()->first; }
    std::uint32_t next() const;
    std::uint32_t active() const;
    Result<std::shared_ptr<Projector>> active_projector() const;

    EventStore& store_;
    const std::string name_;
    const DeclarationFiles files_;
    const ReadModelOptions options_;
    mutable std::mutex mutex_;
    std::optional<Error> fault_;
    bool paused_ = false;
    bool promoting_ = false;      // waits without mutex_: no other change meanwhile
    std::uint32_t promoted_ = 0;  // last, as on the disk
    std::shared_ptr<ReadModel> model_;
    std::map<std::uint32_t, Built> versions_;
};

}  // namespace skald::cqrs
