// The read models a command works on: those of a data directory, in this process.
#pragma once

#include <memory>
#include <string>

#include "cli/session.h"
#include "skald/cqrs/declared_models.h"

namespace skald::cli {

// Where a data directory keeps its declared projections.
std::string projections_directory(const std::string& data);

class ModelSession {
  public:
    // invalid_argument without a directory; the errors of open_session and DeclaredModels::open.
    static Result<ModelSession> open(const Invocation& invocation, const StoreChoice& choice);

    cqrs::ReadModels& models() { return *models_; }
    cqrs::DeclaredModels& declared() { return *models_; }
    // Nothing runs a directory's projections meanwhile: brings one (version 0: the active) to the
    // end of the log, with progress on a terminal.
    Result<void> catch_up(const Invocation& invocation, const std::string& name,
                          std::uint32_t version = 0);

  private:
    ModelSession(std::unique_ptr<EventStore> store, std::unique_ptr<cqrs::DeclaredModels> models)
        : store_(std::move(store)), models_(std::move(models)) {}

    std::unique_ptr<EventStore> store_;  // outlives the models
    std::unique_ptr<cqrs::DeclaredModels> models_;
};

}  // namespace skald::cli
