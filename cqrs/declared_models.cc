#include "skald/cqrs/declared_models.h"

#include <fmt/format.h>

#include <map>
#include <mutex>

#include "cqrs/declared_model.h"
#include "cqrs/limits.h"

namespace skald::cqrs {
namespace {

class Directory final : public DeclaredModels {
  public:
    Directory(EventStore& store, std::string directory, DeclaredModelsOptions options)
        : store_(store), directory_(std::move(directory)), options_(options) {}

    Result<void> load() {
        auto names = DeclarationFiles::names_in(directory_);
        if (!names) {
            return names.error();
        }
        for (const std::string& name : *names) {
            auto model = made(name);
            model->load();
            if (model->is_empty()) {
                continue;  // not ours
            }
            if (options_.run) {
                (void)model->start();  // why it does not run is told by info()
            }
            models_.emplace(name, std::move(model));
        }
        return {};
    }

    Result<std::vector<ModelInfo>> list() override {
        std::vector<ModelInfo> infos;
        for (const auto& model : all()) {
            auto info = model->info();
            if (!info) {
                return info.error();
            }
            infos.push_back(std::move(*info));
        }
        return infos;
    }
    Result<ModelInfo> show(const std::string& name) override {
        auto model = find(name);
        return model ? (*model)->info() : model.error();
    }
    Result<ModelBegun> create(const std::string& file, std::string_view text) override {
        auto declaration = parse_declaration(file, text);
        if (!declaration) {
            return declaration.error();
        }
        const std::string name = declaration->projection.name;
        const std::scoped_lock one(changing_);
        auto model = found_or_made(name);
        if (!model) {
            return model.error();
        }
        auto begun = (*model)->begin(std::move(*declaration), text, options_.run);
        if (!(*model)->is_empty()) {
            const std::scoped_lock lock(mutex_);
            models_.emplace(name, *model);
        }
        return begun;
    }
    Result<ModelBegun> rebuild(const std::string& name) override {
        auto model = find(name);
        return model ? (*model)->rebuild(options_.run) : model.error();
    }
    Result<ModelBegun> promote(const std::string& name, std::uint32_t version,
                               std::chrono::milliseconds wait) override {
        auto model = find(name);
        return model ? (*model)->promote(version, wait) : model.error();
    }
    Result<void> pause(const std::string& name) override {
        auto model = find(name);
        return model ? (*model)->pause() : model.error();
    }
    Result<void> resume(const std::string& name) override {
        auto model = find(name);
        auto ok = model ? (*model)->resume() : model.error();
        return ok && options_.run ? (*model)->start() : std::move(ok);
    }
    Result<std::vector<ParkedEvent>> parked(const std::string& name,
                                            const std::string& key) override {
        auto model = find(name);
        return model ? (*model)->parked(key) : model.error();
    }
    Result<Replayed> replay_parked(const std::string& name, const std::string& key) override {
        auto model = find(name);
        return model ? (*model)->replay_parked(key) : model.error();
    }
    Result<void> remove(const std::string& name) override {
        const std::scoped_lock one(changing_);
        auto model = find(name);
        if (!model) {
            return model.error();
        }
        auto ok = (*model)->remove();
        if (ok) {
            const std::scoped_lock lock(mutex_);
            models_.erase(name);
        }
        return ok;
    }
    Result<StreamState> fold(const std::string& name, const StreamAt& what) override {
        auto model = find(name);
        return model ? (*model)->fold(what) : model.error();
    }
    Result<RowPage> query(const std::string& name, const RowQuery& query) override {
        auto model = find(name);
        return model ? (*model)->query(query) : model.error();
    }
    std::optional<RowPage> try_query(const std::string& name, const RowQuery& query) override {
        const auto model = find(name);
        return model ? (*model)->try_query(query) : std::nullopt;
    }
    Result<std::unique_ptr<LiveSource>> follow(const std::string& name, const RowQuery& query,
                                               const LiveOptions& options) override {
        auto model = find(name);
        return model ? (*model)->follow(query, options) : model.error();
    }
    Result<void> catch_up(const std::string& name, std::uint32_t version,
                          const Progress& progress) override {
        auto model = find(name);
        if (!model) {
            return model.error();
        }
        (void)(*model)->start();  // another version's fault is not this one's
        return (*model)->catch_up(version, progress);
    }

  private:
    Result<std::shared_ptr<DeclaredModel>> found_or_made(const std::string& name) const {
        const std::scoped_lock lock(mutex_);
        if (const auto found = models_.find(name); found != models_.end()) {
            return found->second;
        }
        if (models_.size() >= limits::kDeclaredModelsMax) {
            return Error(Errc::request_too_large,
                         fmt::format("{}: there are {} read models already", name, models_.size()));
        }
        return made(name);
    }
    std::shared_ptr<DeclaredModel> made(const std::string& name) const {
        return std::make_shared<DeclaredModel>(store_, name, directory_ + "/" + name,
                                               options_.model);
    }
    std::vector<std::shared_ptr<DeclaredModel>> all() const {
        const std::scoped_lock lock(mutex_);
        std::vector<std::shared_ptr<DeclaredModel>> models;
        for (const auto& [name, model] : models_) {
            models.push_back(model);
        }
        return models;
    }
    Result<std::shared_ptr<DeclaredModel>> find(const std::string& name) const {
        const std::scoped_lock lock(mutex_);
        if (const auto found = models_.find(name); found != models_.end()) {
            return found->second;
        }
        std::string known;
        for (const auto& [each, model] : models_) {
            known += (known.empty() ? "there are " : ", ") + each;
        }
        return Error(Errc::not_found, fmt::format("there is no read model `{}`; {}", name,
                                                  known.empty() ? "there is none at all" : known));
    }

    EventStore& store_;
    const std::string directory_;
    const DeclaredModelsOptions options_;
    std::mutex changing_;       // one is created or removed at a time; taken before mutex_
    mutable std::mutex mutex_;  // guards models_
    std::map<std::string, std::shared_ptr<DeclaredModel>> models_;
};

}  // namespace

Result<std::unique_ptr<DeclaredModels>> DeclaredModels::open(EventStore& store,
                                                             const std::string& directory,
                                                             const DeclaredModelsOptions& options) {
    auto models = std::make_unique<Directory>(store, directory, options);
    auto ok = models->load();
    return ok ? Result<std::unique_ptr<DeclaredModels>>(std::move(models)) : ok.error();
}

}  // namespace skald::cqrs
