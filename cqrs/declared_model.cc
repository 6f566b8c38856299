#include "cqrs/declared_model.h"

#include <fmt/format.h>

#include <algorithm>

#include "cqrs/model_info.h"

namespace skald::cqrs {
Error DeclaredModel::about(const Error& error) const {
    return {error.code, fmt::format("{}: {}", name_, error.message)};
}

DeclaredModel::DeclaredModel(EventStore& store, std::string name, const std::string& directory,
                             const ReadModelOptions& options)
    : store_(store), name_(std::move(name)), files_(directory), options_(options) {}

void DeclaredModel::load() {
    const std::scoped_lock lock(mutex_);
    paused_ = files_.paused();
    auto ok = load_versions();
    if (ok && !versions_.empty()) {
        ok = open();
    }
    if (ok && model_) {
        ok = retire_forgotten();
    }
    if (!ok) {
        fault_ = about(ok.error());
    }
}

Result<void> DeclaredModel::load_versions() {
    auto texts = files_.load();
    if (!texts) {
        return texts.error();
    }
    for (auto& [version, text] : *texts) {
        auto declaration = parse_declaration(files_.path(version), text);
        if (!declaration) {
            return declaration.error();
        }
        versions_[version] = {std::move(text), std::move(declaration->projection.rows), nullptr};
    }
    return {};
}

Result<void> DeclaredModel::open() {
    auto model = ReadModel::open(files_.model(), options_);
    if (!model) {
        return model.error();
    }
    model_ = std::move(*model);
    return {};
}

// A version whose declaration is gone was being removed.
Result<void> DeclaredModel::retire_forgotten() {
    for (const VersionStatus& status : model_->versions()) {
        if (versions_.count(status.version) == 0 && !status.active) {
            if (auto ok = model_->retire(status.version); !ok) {
                return ok;
            }
        }
    }
    return {};
}

bool DeclaredModel::is_empty() const {
    const std::scoped_lock lock(mutex_);
    return versions_.empty() && !fault_;
}

Result<void> DeclaredModel::usable() const {
    if (fault_) {
        return *fault_;
    }
    return model_ ? Result<void>() : Error(Errc::not_found, name_ + ": it was removed");
}

std::uint32_t DeclaredModel::active() const {
    for (const VersionStatus& status : model_->versions()) {
        if (status.active) {
            return status.version;
        }
    }
    return newest();  // before its first projector is started
}

Result<ModelInfo> DeclaredModel::info() const {
    auto head = store_.position();
    if (!head) {
        return head.error();
    }
    const std::scoped_lock lock(mutex_);
    ModelInfo info;
    info.name = name_;
    info.paused = paused_;
    if (fault_) {
        info.fault = fault_->message;
    }
    if (model_) {
        for (const VersionStatus& status : model_->versions()) {
            info.versions.push_back(info_of(status, *head));
        }
    }
    return info;
}

Result<void> DeclaredModel::start(std::uint32_t version, Built& built) {
    auto declaration = parse_declaration(files_.path(version), built.text);
    if (!declaration) {
        return declaration.error();
    }
    declaration->projection.version = version;
    ProjectorOptions options;
    options.poison = declaration->poison;
    auto started =
        Projector::start(store_, *model_, std::move(declaration->projection), std::move(options));
    if (!started) {
        return about(started.error());
    }
    // Whoever still waits for it keeps its model.
    built.projector = std::shared_ptr<Projector>(
        started->release(), [model = model_](const Projector* gone) { delete gone; });
    return {};
}

Result<void> DeclaredModel::start() {
    const std::scoped_lock lock(mutex_);
    auto ok = usable();
    for (auto& [version, built] : versions_) {
        if (ok && !paused_ && !built.projector) {
            ok = start(version, built);
        }
    }
    return ok;
}

Result<ModelBegun> DeclaredModel::add(std::uint32_t version, std::string_view text, bool run) {
    auto ok = model_ ? Result<void>() : open();
    if (ok && !versions_.empty()) {
        ok = drop_but({active()});
    }
    auto declaration = parse_declaration(files_.path(version), text);
    if (!declaration) {
        return declaration.error();
    }
    if (ok) {
        ok = files_.save(version, text);
    }
    if (!ok) {
        return ok.error();
    }
    Built& built = versions_[version];
    built = {std::string(text), std::move(declaration->projection.rows), nullptr};
    if (run && !paused_) {
        ok = start(version, built);
    }
    return ok ? Result<ModelBegun>(ModelBegun{name_, version, true}) : ok.error();
}

Result<ModelBegun> DeclaredModel::begin(const Declaration& declaration, std::string_view text,
                                        bool run) {
    const std::scoped_lock lock(mutex_);
    if (fault_) {
        return *fault_;
    }
    const std::uint32_t named = declaration.version_given ? declaration.projection.version : 0;
    if (!versions_.empty() && versions_.rbegin()->second.text == text) {
        return ModelBegun{name_, newest(), false};
    }
    if (named != 0 && named <= newest()) {
        return Error(
            Errc::already_exists,
            fmt::format("{}: version {} is there with another declaration: raise `version` "
                        "to {}, or leave it out",
                        name_, newest(), newest() + 1));
    }
    return add(named != 0 ? named : newest() + 1, text, run);
}

Result<ModelBegun> DeclaredModel::rebuild(bool run) {
    const std::scoped_lock lock(mutex_);
    if (auto ok = usable(); !ok) {
        return ok.error();
    }
    const std::string text = versions_.at(active()).text;
    return add(newest() + 1, text, run);
}

Result<void> DeclaredModel::drop(std::uint32_t version) {
    versions_.at(version).projector.reset();
    auto ok = files_.erase(version);
    if (!ok) {
        return ok;
    }
    versions_.erase(version);
    ok = model_->retire(version);
    return !ok && ok.error().code == Errc::not_found ? Result<void>() : std::move(ok);
}

// And the one that was active before.
Result<void> DeclaredModel::drop_but(const std::vector<std::uint32_t>& kept) {
    std::vector<std::uint32_t> gone;
    const auto statuses = model_->versions();
    for (const auto& [version, built] : versions_) {
        const std::uint32_t number = version;
        const bool previous = std::any_of(
            statuses.begin(), statuses.end(),
            [&](const VersionStatus& its) { return its.version == number && its.previous; });
        if (!previous && std::find(kept.begin(), kept.end(), number) == kept.end()) {
            gone.push_back(number);
        }
    }
    for (const std::uint32_t version : gone) {
        if (auto ok = drop(version); !ok) {
            return ok;
        }
    }
    return {};
}

Result<ModelBegun> DeclaredModel::promote(std::uint32_t version, std::chrono::milliseconds wait) {
    std::unique_lock lock(mutex_);
    if (auto ok = usable(); !ok) {
        return ok.error();
    }
    const std::uint32_t wanted = version == 0 ? newest() : version;
    if (wanted == active()) {
        return version != 0 ? Result<ModelBegun>(ModelBegun{name_, wanted, false})
                            : Error(Errc::not_found,
                                    fmt::format("{}: version {} is the newest and active: create a "
                                                "changed file, or rebuild",
                                                name_, wanted));
    }
    const auto model = model_;
    lock.unlock();
    if (auto ok = model->promote(wanted, wait); !ok) {
        return about(ok.error());
    }
    lock.lock();
    auto ok = usable();
    if (ok) {
        ok = drop_but({wanted, newest()});
    }
    return ok ? Result<ModelBegun>(ModelBegun{name_, wanted, true}) : ok.error();
}

Result<void> DeclaredModel::pause() {
    const std::scoped_lock lock(mutex_);
    auto ok = usable();
    if (ok) {
        ok = files_.set_paused(true);
    }
    if (ok) {
        paused_ = true;
        for (auto& [version, built] : versions_) {
            built.projector.reset();
        }
    }
    return ok;
}

Result<void> DeclaredModel::resume() {
    const std::scoped_lock lock(mutex_);
    auto ok = usable();
    if (ok) {
        ok = files_.set_paused(false);
    }
    if (ok) {
        paused_ = false;
        for (auto& [version, built] : versions_) {
            if (built.projector) {
                built.projector->resume();
            }
        }
    }
    return ok;
}

Result<std::shared_ptr<Projector>> DeclaredModel::projector(std::uint32_t version) const {
    const std::scoped_lock lock(mutex_);
    if (auto ok = usable(); !ok) {
        return ok.error();
    }
    const std::uint32_t wanted = version == 0 ? active() : version;
    const auto found = versions_.find(wanted);
    if (found == versions_.end()) {
        return Error(Errc::not_found, fmt::format("{}: there is no version {}", name_, wanted));
    }
    return found->second.projector;
}

Result<std::vector<ParkedEvent>> DeclaredModel::parked(const std::string& key) const {
    auto running = projector(0);
    if (!running) {
        return running.error();
    }
    if (!*running) {
        return Error(Errc::not_ready, name_ + ": it is paused: resume it first");
    }
    return (*running)->parked(key);
}

Result<Replayed> DeclaredModel::replay_parked(const std::string& key) const {
    auto running = projector(0);
    if (!running) {
        return running.error();
    }
    if (!*running) {
        return Error(Errc::not_ready, name_ + ": it is paused: resume it first");
    }
    return (*running)->replay_parked(key);
}

Result<void> DeclaredModel::remove() {
    const std::scoped_lock lock(mutex_);
    versions_.clear();
    model_.reset();
    fault_.reset();
    return files_.remove();
}

}  // namespace skald::cqrs
