#include "skald/cqrs/projector.h"

#include "base/check.h"
#include "cqrs/model_target.h"
#include "cqrs/projector_run.h"

namespace skald::cqrs {
class Projector::Impl {
  public:
    Impl(EventStore& store, std::unique_ptr<ProjectionTarget> target, ProjectorOptions options)
        : store_(store), target_(std::move(target)), run_(store, *target_, std::move(options)) {}

    const ModelProgress& progress() const { return target_->work().progress; }

    EventStore& store_;
    const std::unique_ptr<ProjectionTarget> target_;
    ProjectorRun run_;
};

Projector::Projector(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Projector::~Projector() = default;

Result<std::unique_ptr<Projector>> Projector::start(EventStore& store, ReadModel& model,
                                                    AnyProjection projection,
                                                    ProjectorOptions options) {
    if (auto ok = check_projection(projection); !ok) {
        return ok.error();
    }
    auto head = store.position();
    if (!head) {
        return head.error();
    }
    auto version =
        model.core().open_version(projection.name, projection.version, projection.rows, *head);
    if (!version) {
        return version.error();
    }
    return over(
        store,
        std::make_unique<ModelTarget>(model.core(), std::move(*version), std::move(projection)),
        std::move(options));
}

std::unique_ptr<Projector> Projector::over(EventStore& store,
                                           std::unique_ptr<ProjectionTarget> target,
                                           ProjectorOptions options) {
    SKALD_CHECK(options.poison.attempts > 0, "at least one attempt");
    return std::unique_ptr<Projector>(
        new Projector(std::make_unique<Impl>(store, std::move(target), std::move(options))));
}

Result<ProjectorStatus> Projector::status() const {
    auto head = impl_->store_.position();
    if (!head) {
        return head.error();
    }
    ProjectorStatus status;
    status.version = impl_->progress().status();
    status.version.version = impl_->target_->version();
    status.leads = impl_->run_.leads();
    status.lag = left_between(status.version.position, *head);
    if (status.version.rate > 0) {
        status.eta_s = static_cast<double>(status.lag) / status.version.rate;
    }
    return status;
}

Freshness Projector::wait_for(const Position& position, std::chrono::milliseconds wait) const {
    return impl_->progress().wait(position, wait);
}

void Projector::rebuild() {
    impl_->run_.wake(ProjectorRun::Wish::rebuild);
}

void Projector::resume() {
    impl_->run_.wake(ProjectorRun::Wish::resume);
}

void Projector::stop() {
    impl_->run_.stop();
}

Result<std::vector<ParkedEvent>> Projector::parked(std::string_view key) const {
    return impl_->run_.parked(key);
}

Result<Replayed> Projector::replay_parked(std::string_view key) {
    return impl_->run_.replay(key);
}

}  // namespace skald::cqrs
