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
#include "skald/cqrs/declared.h"
#include "skald/cqrs/declared_models.h"

namespace skald::cqrs {

class DeclaredModel {
  public:
    DeclaredModel(EventStore& store, std::string name, const std::string& directory,
                  const ReadModelOptions& options);

    const std::string& name() const { return name_; }
    // Reads what is stored; projectors are not started. An error is its fault from then on.
    void load();
    bool is_empty() const;  // no declaration: begun and given up, or removed in part

    Result<ModelInfo> info() const;
    // `given`: the version that it names, or nothing.
    Result<ModelBegun> begin(const Declaration& declaration, std::string_view text, bool run);
    Result<ModelBegun> rebuild(bool run);
    Result<ModelBegun> promote(std::uint32_t version, std::chrono::milliseconds wait);
    // Unless it is paused. What runs goes on.
    Result<void> start();
    Result<void> pause();
    Result<void> resume();
    Result<std::vector<ParkedEvent>> parked(const std::string& key) const;
    Result<Replayed> replay_parked(const std::string& key) const;
    Result<void> remove();
    Result<RowPage> query(const RowQuery& query) const;
    Result<std::unique_ptr<LiveQuery>> live(const RowQuery& query,
                                            LiveHandler<std::string>& handler,
                                            const LiveOptions& options) const;
    Result<void> catch_up(std::uint32_t version, const DeclaredModels::Progress& progress) const;

  private:
    Result<std::shared_ptr<ReadModel>> to_ask() const;
    Error about(const Error& error) const;
    bool is_settled(std::uint32_t version) const;
    struct Built {
        std::string text;
        RowSchema rows;
        std::shared_ptr<Projector> projector;  // null while it does not run
    };
    // All with mutex_.
    Result<void> usable() const;
    Result<void> open();
    Result<void> load_versions();
    Result<void> retire_forgotten();
    Result<ModelBegun> add(std::uint32_t version, std::string_view text, bool run);
    Result<void> start(std::uint32_t version, Built& built);
    Result<void> drop(std::uint32_t version);
    Result<void> drop_but(const std::vector<std::uint32_t>& kept);
    std::uint32_t newest() const { return versions_.empty() ? 0 : versions_.rbegin()->first; }
    std::uint32_t active() const;
    Result<std::shared_ptr<Projector>> projector(std::uint32_t version) const;

    EventStore& store_;
    const std::string name_;
    const DeclarationFiles files_;
    const ReadModelOptions options_;
    mutable std::mutex mutex_;
    std::optional<Error> fault_;
    bool paused_ = false;
    std::shared_ptr<ReadModel> model_;
    std::map<std::uint32_t, Built> versions_;
};

}  // namespace skald::cqrs
