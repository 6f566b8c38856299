#include "cli/model_session.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/terminal_progress.h"
#include "skald/cqrs/declared.h"
#include "skald/cqrs/remote_models.h"

namespace skald::cli {
namespace {

constexpr std::chrono::milliseconds kLook{100};  // between two looks at what a node builds

// True when it is built; an error when it stands still.
Result<bool> is_built(const std::string& name, const cqrs::ModelInfo& info,
                      const cqrs::ModelVersionInfo& version) {
    if (info.paused) {
        return Error(Errc::not_ready, name + ": it is paused, and builds nothing");
    }
    if (version.state == name_of(cqrs::ModelState::stopped)) {
        return Error(Errc::not_ready,
                     fmt::format("{}: version {} stopped: {}", name, version.version,
                                 version.error.value_or("for no reason that is known")));
    }
    return version.complete && version.state == name_of(cqrs::ModelState::running);
}

}  // namespace

std::string projections_directory(const std::string& data) {
    return data + "/projections";
}

Result<std::string> read_declaration(const Invocation& invocation, const std::string& file) {
    auto source = FileSource::open(file, invocation.console.stop);
    return source ? read_all(**source, cqrs::kDeclarationBytesMax) : source.error();
}

Result<ModelSession> ModelSession::open(const Invocation& invocation, const StoreChoice& choice) {
    auto server = choose_server(invocation, choice);
    if (!server) {
        return server.error();
    }
    ModelSession session;
    if (*server) {
        auto services = invocation.backends.connect_services(**server);
        if (!services) {
            return services.error();
        }
        session.services_ = std::move(*services);
        session.models_ =
            std::make_unique<cqrs::RemoteModels>(*session.services_, invocation.globals.timeout);
        return session;
    }
    auto store = open_session(invocation, choice, Create::no);
    if (!store) {
        return store.error();
    }
    session.store_ = std::move(*store);
    cqrs::DeclaredModelsOptions options;
    options.run = false;
    auto models = cqrs::DeclaredModels::open(*session.store_,
                                             projections_directory(choice.directory), options);
    if (!models) {
        return models.error();
    }
    session.declared_ = models->get();
    session.models_ = std::move(*models);
    return session;
}

Result<void> ModelSession::catch_up(const Invocation& invocation, const std::string& name,
                                    std::uint32_t version) {
    if (declared_ == nullptr) {
        return {};
    }
    TerminalProgress progress(invocation, name, "events");
    return declared_->catch_up(name, version, [&](std::uint64_t done, std::uint64_t left) {
        progress.update(done, done + left, done);
        return !invocation.console.stop.requested();
    });
}

Result<void> ModelSession::build(const Invocation& invocation, const std::string& name,
                                 std::uint32_t version) {
    return declared_ != nullptr ? catch_up(invocation, name, version)
                                : await(invocation, name, version);
}

Result<void> ModelSession::await(const Invocation& invocation, const std::string& name,
                                 std::uint32_t wanted) {
    TerminalProgress progress(invocation, name, "events");
    while (true) {
        auto info = models_->show(name);
        if (!info) {
            return info.error();
        }
        const auto found = std::find_if(
            info->versions.begin(), info->versions.end(),
            [wanted](const cqrs::ModelVersionInfo& each) { return each.version == wanted; });
        if (found == info->versions.end()) {
            return Error(Errc::not_found,
                         fmt::format("{}: version {} is gone: another was begun", name, wanted));
        }
        auto built = is_built(name, *info, *found);
        if (!built || *built) {
            return built ? Result<void>() : built.error();
        }
        progress.update(found->events, found->events + found->lag, found->events);
        if (invocation.console.stop.wait(kLook)) {
            return Error(Errc::shutting_down,
                         fmt::format("{}: the node goes on building version {}", name, wanted));
        }
    }
}

}  // namespace skald::cli
