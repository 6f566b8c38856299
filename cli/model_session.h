// The read models a command works on: those of a node and of the programs that serve theirs there,
// or those of a data directory, in this process.
#pragma once

#include <memory>
#include <string>

#include "cli/session.h"
#include "skald/cqrs/declared_models.h"
#include "skald/services.h"

namespace skald::cli {

// Where a data directory keeps its declared projections.
std::string projections_directory(const std::string& data);

// Of a declared projection; request_too_large beyond 1 MiB.
Result<std::string> read_declaration(const Invocation& invocation, const std::string& file);

class ModelSession {
  public:
    // The errors of open_session, connect_services and DeclaredModels::open.
    static Result<ModelSession> open(const Invocation& invocation, const StoreChoice& choice);

    cqrs::ReadModels& models() { return *models_; }
    // Nothing else runs a directory's projections: brings one (version 0: the active) to the end of
    // the log, with progress on a terminal. A node's run by themselves.
    Result<void> catch_up(const Invocation& invocation, const std::string& name,
                          std::uint32_t version = 0);
    // Until a version that was begun has reached the end of the log once, with progress. A node's
    // goes on when this is interrupted.
    Result<void> build(const Invocation& invocation, const std::string& name,
                       std::uint32_t version);

  private:
    ModelSession() = default;
    Result<void> await(const Invocation& invocation, const std::string& name,
                       std::uint32_t version);

    std::unique_ptr<EventStore> store_;  // outlives the models, like the next
    std::unique_ptr<Services> services_;
    std::unique_ptr<cqrs::ReadModels> models_;
    cqrs::DeclaredModels* declared_ = nullptr;  // what models_ is, of a directory; else null
};

}  // namespace skald::cli
