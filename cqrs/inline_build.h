// Brings a version of a read model in the log's own environment to the end of the log: in slices
// beside the appends, and the rest while nothing is committed.
//
// Threads: one.
#pragma once

#include <memory>

#include "cqrs/applier.h"
#include "cqrs/model_target.h"

namespace skald::cqrs {

class InlineBuild {
  public:
    // All of them outlive it.
    InlineBuild(EventStore& store, ModelCore& core, const std::shared_ptr<ModelVersion>& version,
                const AnyProjection& projection);

    // Where the version stands; from the beginning when that is not of this log.
    Result<void> begin();
    // Up to some of the last events. Appends go on.
    Result<void> come_near();
    // The rest, to be called while nothing is committed; gives the log's end.
    Result<Position> finish();

  private:
    // The next page, as of a log that ends at `head`; true when there is no more.
    Result<bool> take_page(const Position& head);

    EventStore& store_;
    ModelTarget target_;
    const Poison poison_ = Poison::stop();
    Applier applier_;
};

}  // namespace skald::cqrs
