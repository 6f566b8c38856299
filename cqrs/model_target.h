// One version of a read model, for the projector that works on it.
//
// Threads: projection_target.h.
#pragma once

#include <memory>
#include <optional>

#include "cqrs/lanes.h"
#include "cqrs/model_core.h"
#include "cqrs/projection_target.h"
#include "skald/cqrs/projector.h"

namespace skald::cqrs {

// invalid_argument for its name or version; a schema that cannot be aborts.
Result<void> check_projection(const AnyProjection& projection);

class ModelTarget final : public ProjectionTarget {
  public:
    // The core outlives it.
    ModelTarget(ModelCore& core, std::shared_ptr<ModelVersion> version, AnyProjection projection);

    std::uint32_t version() const override { return version_->number; }
    std::string lease_name() const override;
    Lease& lease() override { return core_.lease(); }
    const Selection& selection() const override { return projection_.selection; }
    bool handles(std::string_view type) const override { return projection_.handles(type); }
    VersionWork& work() override { return *version_; }
    const Clock& clock() const override { return core_.clock(); }

    bool wants_lanes(std::size_t events) override { return lanes_ && lanes_->want(events); }
    bool in_lanes(std::span<const EventView* const> events) override;
    Result<Committed> begin(std::uint64_t term) override;
    bool empty() const override { return batch_.empty(); }
    bool due() const override;
    bool full() const override;
    void end_reading() override { batch_.end_reading(); }
    Result<void> commit(const Commit& commit) override;
    Result<void> reset(const Position& muted_until) override;
    Result<std::vector<ParkedEvents::Numbered>> parked(std::string_view key,
                                                       std::size_t limit) const override;

  private:
    Result<void> begin_event(const EventView& event) override;
    Result<void> call_handler(const EventView& event) override;
    void undo_event() override { batch_.undo_event(); }

    ModelCore& core_;
    const std::shared_ptr<ModelVersion> version_;
    const AnyProjection projection_;
    RowBatch batch_;
    std::optional<Lanes> lanes_;  // none: it has one
    std::uint64_t term_ = 0;
};

}  // namespace skald::cqrs
