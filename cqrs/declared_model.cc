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
    promoted_ = files_.active();
    auto ok = load_versions();
    if (ok && !versions_.empty()) {
        ok = open();
    }
    if (ok && model_) {
        ok = match_versions();
    }
    if (ok && !model_ && files_.has_model()) {
        ok = Error(Errc::not_found,
                   fmt::format("its declarations are missing: {} and the like; put them back, or "
                               "remove the projection",
                               files_.path(1)));
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
        versions_[version] = {std::move(text), std::move(*declaration), nullptr, {}};
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

// A version whose declaration is gone was being removed; but not the active one.
Result<void> DeclaredModel::match_versions() {
    if (versions_.count(active()) == 0) {
        return Error(Errc::not_found,
                     fmt::format("version {} is active and its declaration is missing: {}; put it "
                                 "back, or remove the projection",
                                 active(), files_.path(active())));
    }
    for (const VersionStatus& status : model_->versions()) {
        if (versions_.count(status.version) == 0) {
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

Result<void> DeclaredModel::changeable() const {
    if (fault_) {
        return *fault_;
    }
    return promoting_ ? Error(Errc::busy, name_ + ": a version is being promoted; try again later")
                      : Result<void>();
}

// Before a projector has made a version: what start() begins with.
std::uint32_t DeclaredModel::active() const {
    if (const auto known = model_ ? model_->core().active() : nullptr) {
        return known->number;
    }
    return promoted_ != 0 || versions_.empty() ? promoted_ : versions_.begin()->first;
}

std::uint32_t DeclaredModel::next() const {
    std::uint32_t highest = newest();
    if (model_) {
        for (const VersionStatus& status : model_->versions()) {
            highest = std::max(highest, status.version);
        }
    }
    return highest + 1;
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
        return info;
    }
    const auto statuses = model_ ? model_->versions() : std::vector<VersionStatus>();
    for (const auto& [version, built] : versions_) {
        const Selection& from = built.declaration.projection.selection;
        if (version == active() && from.kind == Selection::Kind::category) {
            info.category = from.name;
        }
        VersionStatus status;
        status.version = version;
        status.active = version == active();
        for (const VersionStatus& its : statuses) {
            status = its.version == status.version ? its : status;
        }
        info.versions.push_back(info_of(status, *head));
        if (built.fault) {
            info.versions.back().state = name_of(ModelState::stopped);
            info.versions.back().error = built.fault->message;
        }
    }
    return info;
}

Result<void> DeclaredModel::start(std::uint32_t version, Built& built) {
    AnyProjection projection = built.declaration.projection;
    projection.version = version;
    ProjectorOptions options;
    options.poison = built.declaration.poison;
    auto started = Projector::start(store_, *model_, std::move(projection), std::move(options));
    if (!started) {
        built.fault = about(started.error());
        return *built.fault;
    }
    built.fault.reset();
    // Whoever still replays with it keeps its model.
    built.projector = std::shared_ptr<Projector>(
        started->release(), [model = model_](const Projector* gone) { delete gone; });
    return {};
}

// The active one first: the first of a model is active at once.
Result<void> DeclaredModel::start() {
    const std::scoped_lock lock(mutex_);
    auto ok = usable();
    if (!ok || paused_) {
        return ok;
    }
    if (const auto found = versions_.find(active());
        found != versions_.end() && !found->second.projector) {
        ok = start(found->first, found->second);
        if (!ok && !model_->core().active()) {
            return ok;
        }
    }
    for (auto& [version, built] : versions_) {
        if (!built.projector && version != active()) {
            if (auto started = start(version, built); !started && ok) {
                ok = std::move(started);
            }
        }
    }
    return ok;
}

void DeclaredModel::stop(Built& built) {
    if (built.projector) {
        built.projector->stop();
        built.projector.reset();
    }
}

Result<ModelBegun> DeclaredModel::add(std::uint32_t version, Declaration declaration,
                                      std::string_view text, bool run) {
    auto ok = versions_.empty() ? Result<void>() : drop_but(active());
    if (ok) {
        ok = files_.save(version, text);
    }
    if (ok && !model_) {
        ok = open();
        if (!ok) {
            (void)files_.erase(version);
        }
    }
    if (!ok) {
        return about(ok.error());
    }
    Built& built = versions_[version];
    built = {std::string(text), std::move(declaration), nullptr, {}};
    if (run && !paused_) {
        ok = start(version, built);
    }
    return ok ? Result<ModelBegun>(ModelBegun{name_, version, true}) : ok.error();
}

Result<ModelBegun> DeclaredModel::begin(Declaration declaration, std::string_view text, bool run) {
    const std::scoped_lock lock(mutex_);
    auto ok = changeable();
    if (!ok) {
        return ok.error();
    }
    const std::uint32_t named = declaration.version_given ? declaration.projection.version : 0;
    if (!versions_.empty() && versions_.rbegin()->second.text == text) {
        return ModelBegun{name_, newest(), false};
    }
    if (named != 0 && named < next()) {
        return Error(
            Errc::already_exists,
            fmt::format("{}: version {} is there with another declaration: raise `version` "
                        "to {}, or leave it out",
                        name_, newest(), next()));
    }
    return add(named != 0 ? named : next(), std::move(declaration), text, run);
}

Result<ModelBegun> DeclaredModel::rebuild(bool run) {
    const std::scoped_lock lock(mutex_);
    auto ok = usable();
    if (ok) {
        ok = changeable();
    }
    if (!ok) {
        return ok.error();
    }
    const std::string text = versions_.at(active()).text;
    // Rules are for one projector: these are others.
    auto declaration = parse_declaration(files_.path(active()), text);
    return declaration ? add(next(), std::move(*declaration), text, run) : declaration.error();
}

// Retired before its declaration goes: what a crash leaves is built anew, and no number is given
// to other rows.
Result<void> DeclaredModel::drop(std::uint32_t version) {
    stop(versions_.at(version));
    auto ok = model_->retire(version);
    if (ok || ok.error().code == Errc::not_found) {
        ok = files_.erase(version);
    }
    if (ok) {
        versions_.erase(version);
    }
    return ok;
}

// And the active one, and the one that was active before.
Result<void> DeclaredModel::drop_but(std::uint32_t kept) {
    std::vector<std::uint32_t> gone;
    const auto statuses = model_->versions();
    for (const auto& [version, built] : versions_) {
        const std::uint32_t number = version;
        const bool previous = std::any_of(
            statuses.begin(), statuses.end(),
            [&](const VersionStatus& its) { return its.version == number && its.previous; });
        if (!previous && number != kept && number != active()) {
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

Result<std::uint32_t> DeclaredModel::promotable(std::uint32_t version) const {
    auto ok = usable();
    if (ok) {
        ok = changeable();
    }
    if (!ok) {
        return ok.error();
    }
    const std::uint32_t wanted = version == 0 ? newest() : version;
    if (version == 0 && wanted == active()) {
        return Error(Errc::not_found, fmt::format("{}: version {} is the newest and active: create "
                                                  "a changed file, or rebuild",
                                                  name_, wanted));
    }
    const auto found = versions_.find(wanted);
    if (found == versions_.end()) {
        return Error(Errc::not_found, fmt::format("{}: there is no version {}", name_, wanted));
    }
    if (!model_->core().find(wanted)) {
        return found->second.fault.value_or(
            Error(Errc::not_ready, fmt::format("{}: version {} is not begun{}", name_, wanted,
                                               paused_ ? ": the projection is paused" : "")));
    }
    return wanted;
}

Result<ModelBegun> DeclaredModel::promote(std::uint32_t version, std::chrono::milliseconds wait) {
    std::unique_lock lock(mutex_);
    auto wanted = promotable(version);
    if (!wanted) {
        return wanted.error();
    }
    if (*wanted == active()) {
        return ModelBegun{name_, *wanted, false};
    }
    const auto model = model_;
    promoting_ = true;
    lock.unlock();
    auto ok = model->promote(*wanted, wait);
    lock.lock();
    promoting_ = false;
    if (ok) {
        ok = files_.set_active(*wanted);
    }
    if (ok) {
        promoted_ = *wanted;
        ok = drop_but(newest());
    }
    return ok ? Result<ModelBegun>(ModelBegun{name_, *wanted, true}) : about(ok.error());
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
            stop(built);
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

Result<void> DeclaredModel::remove() {
    const std::scoped_lock lock(mutex_);
    if (auto ok = changeable(); !ok && (promoting_ || ok.error().code == Errc::already_open)) {
        return ok;
    }
    if (auto ok = files_.set_aside(); !ok) {
        return about(ok.error());
    }
    for (auto& [version, built] : versions_) {
        stop(built);
    }
    versions_.clear();
    model_.reset();
    fault_.reset();
    files_.erase_aside();
    return {};
}

}  // namespace skald::cqrs
