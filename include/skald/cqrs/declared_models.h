// The declared projections of one directory, and their read models, over a store in this process:
//
//     auto models = DeclaredModels::open(*store, "data/projections");
//     (*models)->create("work.toml", text);
//
// DIR/NAME holds the declaration of each version (v1.toml), the number of the one that was promoted
// last (active), the read model (model/) and, while it is paused, a file `paused`. The read model
// is derived. One process at a time has a model open; for others it has a fault, and is not
// removed. A model holds at most three versions: the active one, the one before, and one that is
// built; beginning another drops the latter. remove() erases all of DIR/NAME.
//
// A directory without declarations and without model/, or whose name begins with a dot, is left
// alone; only what remove() could not finish (.removed-NAME) is erased by open().
//
// A declaration or a read model that cannot be read does not keep the others from running:
// ModelInfo::fault says why. So does a version that cannot be started: its ModelVersionInfo is
// stopped, with the error. Limit: 256 models, then create is refused with request_too_large.
//
// Threads: any. Queries wait for no change of another model. Destroy it before the store.
#pragma once

#include <functional>
#include <memory>

#include "skald/cqrs/read_models.h"
#include "skald/event_store.h"

namespace skald::cqrs {

struct DeclaredModelsOptions {
    bool run = true;  // false: a projection handles events from catch_up() on
    ReadModelOptions model;
};

class DeclaredModels : public ReadModels {
  public:
    // The directory is made with the first projection. io_error when it cannot be read.
    static Result<std::unique_ptr<DeclaredModels>> open(EventStore& store,
                                                        const std::string& directory,
                                                        const DeclaredModelsOptions& options = {});

    // Waits until a version (0: the active one) has reached where the log ends now, and says every
    // quarter of a second how far it is: events handled, and those left. false from there ends the
    // wait with shutting_down. Returns at once when the projection is paused, also while it waits;
    // not_ready with the reason when it stopped; not_found when the version goes.
    using Progress = std::function<bool(std::uint64_t done, std::uint64_t left)>;
    virtual Result<void> catch_up(const std::string& name, std::uint32_t version,
                                  const Progress& progress) = 0;
};

}  // namespace skald::cqrs
