#include <fmt/format.h>

#include "cqrs/declared_model.h"
#include "cqrs/model_core.h"

namespace skald::cqrs {
namespace {

// How long catch_up waits between two words about how far it is.
constexpr std::chrono::milliseconds kTell{250};
// And how long between two looks at a version that has reached the end, and is about to say so.
constexpr std::chrono::milliseconds kSettle{10};

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

Result<std::unique_ptr<LiveQuery>> DeclaredModel::live(const RowQuery& query,
                                                       LiveHandler<std::string>& handler,
                                                       const LiveOptions& options) const {
    auto model = to_ask();
    if (!model) {
        return model.error();
    }
    auto live = (*model)->live(query, handler, options);
    return live ? std::move(live) : about(live.error());
}

// Waits for it a little. Of a log without events everything is reached at once.
bool DeclaredModel::is_settled(std::uint32_t version) const {
    std::shared_ptr<ReadModel> model;
    {
        const std::scoped_lock lock(mutex_);
        if (!usable()) {
            return false;
        }
        model = model_;
        version = version == 0 ? active() : version;
    }
    const auto found = model->core().find(version);
    return found && found->progress.wait_until(kSettle, [&] {
        const VersionStatus status = found->progress.status();
        return status.complete && status.state != ModelState::rebuilding;
    });
}

Result<void> DeclaredModel::catch_up(std::uint32_t version,
                                     const DeclaredModels::Progress& progress) const {
    auto head = store_.position();
    auto running = projector(version);
    if (!head || !running) {
        return !head ? head.error() : running.error();
    }
    while (*running) {
        const Freshness freshness = (*running)->wait_for(*head, kTell);
        if (freshness.reached() && is_settled(version)) {
            return {};
        }
        if (freshness.state == Freshness::State::stopped ||
            freshness.state == Freshness::State::wrong_lineage) {
            return about({Errc::not_ready, freshness.error.message});
        }
        auto status = (*running)->status();
        if (status && !progress(status->version.events, freshness.left)) {
            return Error(Errc::shutting_down, name_ + ": interrupted; it goes on from there");
        }
    }
    return {};
}

}  // namespace skald::cqrs
