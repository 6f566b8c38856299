// A version of a read model that changes in the commits of its log: what a request changes is kept
// in memory as soon as it is admitted, and written with the commit it is in.
//
// Threads: inline_handler.h.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cqrs/model_core.h"
#include "skald/cqrs/projector.h"
#include "store/inline_handler.h"

namespace skald::cqrs {

class InlineModel final : public store::InlineHandler {
  public:
    // The core outlives it. The version reflects everything up to `end`, where the log ends.
    InlineModel(ModelCore& core, std::shared_ptr<ModelVersion> version, AnyProjection projection,
                Position end);

    const std::string& name() const override { return projection_.name; }
    Result<void> apply(std::span<const EventView> request) override;
    void undo() override;
    Result<void> write(store::lmdb::WriteTxn& txn, const Position& end) override;
    void committed() override;
    void abandoned() override;

  private:
    Result<void> apply_one(const EventView& event);
    bool takes(const EventView& event) const;
    void clear();

    ModelCore& core_;
    const std::shared_ptr<ModelVersion> version_;
    const AnyProjection projection_;
    RowBatch batch_;
    std::uint64_t events_ = 0;          // in the batch
    std::uint64_t request_events_ = 0;  // of the request that was applied last
    Position checkpoint_;               // as stored
    ModelCore::Commit commit_;          // the one that is on its way
    std::optional<ModelCore::Put> put_;
};

}  // namespace skald::cqrs
