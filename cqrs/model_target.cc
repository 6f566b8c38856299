#include "cqrs/model_target.h"

#include <fmt/format.h>

#include "base/check.h"
#include "cqrs/limits.h"

namespace skald::cqrs {

Result<void> check_projection(const AnyProjection& projection) {
    if (projection.name.empty() || projection.name.size() > limits::kModelNameBytesMax) {
        return Error(Errc::invalid_argument, "a projector's name has 1 to 255 bytes");
    }
    if (projection.version == 0) {
        return Error(Errc::invalid_argument, "versions of a projector count from 1");
    }
    if (projection.lanes == 0 || projection.lanes > limits::kLanesMax) {
        return Error(Errc::invalid_argument,
                     fmt::format("a projection has 1 to {} lanes", limits::kLanesMax));
    }
    SKALD_CHECK(projection.handles && projection.apply, "a projection handles events");
    check_schema(projection.name, projection.rows);
    return {};
}

ModelTarget::ModelTarget(ModelCore& core, std::shared_ptr<ModelVersion> version,
                         AnyProjection projection)
    : core_(core),
      version_(std::move(version)),
      projection_(std::move(projection)),
      batch_(core.env(), version_->tables) {
    if (projection_.lanes > 1) {
        lanes_.emplace(projection_, core.env(), version_->tables, batch_);
    }
}

std::string ModelTarget::lease_name() const {
    return ModelCore::lease_name(projection_.name, projection_.version);
}

Result<ProjectionTarget::Committed> ModelTarget::begin(std::uint64_t term) {
    batch_.clear();
    term_ = term;
    auto checkpoint = core_.begin(*version_, term);
    auto txn = core_.env().read();
    if (!checkpoint || !txn) {
        return !checkpoint ? checkpoint.error() : txn.error();
    }
    auto position = checkpoint->token.empty() ? Result<Position>(Position{})
                                              : parse_position(checkpoint->token);
    auto parked = ParkedEvents::load(*txn, version_->tables.parked);
    if (!position || !parked) {
        return !position ? position.error() : parked.error();
    }
    return Committed{std::move(*position), checkpoint->complete, std::move(*parked)};
}

bool ModelTarget::in_lanes(std::span<const EventView* const> events) {
    const Lanes::Outcome outcome = lanes_->handle(events);
    if (outcome == Lanes::Outcome::undone) {
        version_->progress.reran();
    }
    return outcome == Lanes::Outcome::done;
}

Result<void> ModelTarget::begin_event(const EventView& event) {
    batch_.begin_event(event.partition, event.offset);
    return {};
}

Result<void> ModelTarget::call_handler(const EventView& event) {
    return projection_.apply(batch_, event);
}

bool ModelTarget::due() const {
    return batch_.bytes() >= limits::kProjectBatchBytes;
}

bool ModelTarget::full() const {
    return batch_.bytes() >= limits::kProjectBytesMax;
}

Result<void> ModelTarget::commit(const Commit& commit) {
    batch_.end_reading();
    auto active = core_.commit(*version_, {&batch_, commit.parked, commit.position, commit.events,
                                           commit.complete, term_});
    if (!active) {
        return active.error();
    }
    if (*active) {
        batch_.run_effects(*version_->muted_until(), version_->progress);
    }
    batch_.clear();
    return {};
}

Result<void> ModelTarget::reset(const Position& muted_until) {
    return core_.reset(*version_, muted_until);
}

Result<std::vector<ParkedEvents::Numbered>> ModelTarget::parked(std::string_view key,
                                                                std::size_t limit) const {
    return core_.parked(version_->number, key, limit);
}

}  // namespace skald::cqrs
