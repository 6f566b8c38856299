#include <fmt/format.h>

#include "cqrs/declared_model.h"
#include "cqrs/limits.h"
#include "skald/cqrs/fold.h"

namespace skald::cqrs {
namespace {

// How long catch_up waits between two words about how far it is.
constexpr std::chrono::milliseconds kTell{250};
// And how long between two looks at a version that has reached the end, and is about to say so.
constexpr std::chrono::milliseconds kSettle{10};

// Waits for it a little. Of a log without events everything is reached at once.
bool is_settled(const ModelProgress& progress) {
    return progress.wait_until(kSettle, [&] {
        const VersionStatus status = progress.status();
        return status.complete && status.state != ModelState::rebuilding;
    });
}

}  // namespace

Result<std::shared_ptr<ReadModel>> DeclaredModel::to_ask() const {
    const std::scoped_lock lock(mutex_);
    if (auto ok = usable(); !ok) {
        return ok.error();
    }
    return model_;
}

Result<RowPage> DeclaredModel::query(const RowQuery& query) const {
    auto model = to_ask();
    if (!model) {
        return model.error();
    }
    auto page = (*model)->query(query);
    return page ? std::move(page) : about(page.error());
}

std::optional<RowPage> DeclaredModel::try_query(const RowQuery& query) const {
    std::shared_ptr<ReadModel> model;
    if (const std::unique_lock lock(mutex_, std::try_to_lock); lock && usable()) {
        model = model_;
    }
    return model ? model->try_query(query) : std::nullopt;
}

Result<std::unique_ptr<LiveSource>> DeclaredModel::follow(const RowQuery& query,
                                                          const LiveOptions& options) const {
    auto model = to_ask();
    if (!model) {
        return model.error();
    }
    auto source = (*model)->follow(query, options);
    return source ? std::move(source) : about(source.error());
}

// With rules of its own: those of a projector are for its thread.
Result<StreamState> DeclaredModel::fold(const StreamAt& what) const {
    std::string text;
    {
        const std::scoped_lock lock(mutex_);
        const auto found = usable() ? versions_.find(active()) : versions_.end();
        if (found == versions_.end()) {
            return fault_.value_or(Error(Errc::not_found, name_ + ": it has no version"));
        }
        text = found->second.text;
    }
    auto declaration = parse_declaration(name_, text);
    auto state = declaration ? fold_stream(store_, declaration->projection, what)
                             : Result<StreamState>(declaration.error());
    return state ? std::move(state) : about(state.error());
}

Result<std::shared_ptr<const ModelVersion>> DeclaredModel::followed(std::uint32_t version) const {
    const std::scoped_lock lock(mutex_);
    if (auto ok = usable(); !ok) {
        return ok.error();
    }
    const std::uint32_t wanted = version == 0 ? active() : version;
    const auto found = versions_.find(wanted);
    if (found == versions_.end()) {
        return Error(Errc::not_found, fmt::format("{}: there is no version {}", name_, wanted));
    }
    if (found->second.projector) {
        return std::shared_ptr<const ModelVersion>(model_->core().find(wanted));
    }
    if (paused_) {
        return std::shared_ptr<const ModelVersion>();
    }
    return found->second.fault.value_or(
        Error(Errc::not_ready, fmt::format("{}: version {} is not running", name_, wanted)));
}

// Looks anew after each wait: it may be paused, promoted, dropped or removed meanwhile.
Result<void> DeclaredModel::catch_up(std::uint32_t version,
                                     const DeclaredModels::Progress& progress) const {
    auto head = store_.position();
    if (!head) {
        return head.error();
    }
    while (true) {
        auto at = followed(version);
        if (!at || !*at) {
            return at ? Result<void>() : at.error();
        }
        const ModelProgress& its = (*at)->progress;
        const Freshness freshness = its.wait(*head, kTell);
        if (freshness.reached() && is_settled(its)) {
            return {};
        }
        const bool ended = freshness.state == Freshness::State::stopped ||
                           freshness.state == Freshness::State::wrong_lineage;
        if (ended) {
            const auto still = followed(version);
            if (still && *still == *at) {
                return about({Errc::not_ready, freshness.error.message});
            }
        } else if (!progress(its.status().events, freshness.left)) {
            return Error(Errc::shutting_down, name_ + ": interrupted; it goes on from there");
        }
    }
}

Result<std::vector<ParkedEvent>> DeclaredModel::parked(const std::string& key) const {
    auto model = to_ask();
    if (!model) {
        return model.error();
    }
    const auto active = (*model)->core().active();
    if (!active) {
        return std::vector<ParkedEvent>();
    }
    auto found = (*model)->core().parked(active->number, key, limits::kParkedListMax);
    if (!found) {
        return about(found.error());
    }
    std::vector<ParkedEvent> events;
    for (ParkedEvents::Numbered& each : *found) {
        events.push_back(std::move(each.event));
    }
    return events;
}

Result<std::shared_ptr<Projector>> DeclaredModel::active_projector() const {
    const std::scoped_lock lock(mutex_);
    if (auto ok = usable(); !ok) {
        return ok.error();
    }
    const auto found = versions_.find(active());
    if (found == versions_.end() || !found->second.projector) {
        return Error(Errc::not_ready,
                     fmt::format("{}: {}", name_,
                                 paused_ ? "it is paused: resume it first" : "it is not running"));
    }
    return found->second.projector;
}

Result<Replayed> DeclaredModel::replay_parked(const std::string& key) const {
    auto running = active_projector();
    return running ? (*running)->replay_parked(key) : running.error();
}

}  // namespace skald::cqrs
