#include "cli/model_session.h"

#include "cli/terminal_progress.h"

namespace skald::cli {

std::string projections_directory(const std::string& data) {
    return data + "/projections";
}

Result<ModelSession> ModelSession::open(const Invocation& invocation, const StoreChoice& choice) {
    if (choice.directory.empty()) {
        return Error(Errc::invalid_argument,
                     "name the data directory that holds the read models: --data DIR");
    }
    auto store = open_session(invocation, choice, Create::no);
    if (!store) {
        return store.error();
    }
    cqrs::DeclaredModelsOptions options;
    options.run = false;
    auto models =
        cqrs::DeclaredModels::open(**store, projections_directory(choice.directory), options);
    if (!models) {
        return models.error();
    }
    return ModelSession(std::move(*store), std::move(*models));
}

Result<void> ModelSession::catch_up(const Invocation& invocation, const std::string& name,
                                    std::uint32_t version) {
    TerminalProgress progress(invocation, name, "events");
    return models_->catch_up(name, version, [&](std::uint64_t done, std::uint64_t left) {
        progress.update(done, done + left, done);
        return !invocation.console.stop.requested();
    });
}

}  // namespace skald::cli
