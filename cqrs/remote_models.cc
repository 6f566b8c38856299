#include "skald/cqrs/remote_models.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cqrs/limits.h"
#include "cqrs/model_messages.h"
#include "cqrs/remote_live.h"
#include "skald/cqrs/remote_bus.h"

namespace skald::cqrs {
namespace {

std::string service_of(const std::string& name) {
    return std::string(kModelService) + name;
}

Result<void> done(const Result<Nothing>& answer) {
    return answer ? Result<void>() : answer.error();
}

std::uint64_t count_of(std::chrono::milliseconds wait) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(wait.count(), 0));
}

}  // namespace

// A model that nobody serves is one that there is not, as far as this node knows.
template <typename Message>
Result<typename Message::Reply> RemoteModels::ask(const std::string& name, const Message& message,
                                                  std::chrono::milliseconds wait) {
    const RemoteBus bus(services_, service_of(name),
                        time_ + std::min(wait, limits::kRemoteWaitMax));
    auto answer = bus.ask(message);
    return answer || answer.error().code != Errc::not_ready
               ? std::move(answer)
               : Result<typename Message::Reply>(unserved(name, std::move(answer.error())));
}

Error RemoteModels::unserved(const std::string& name, Error error) {
    auto names = names_of_models();
    if (!names || std::find(names->begin(), names->end(), name) != names->end()) {
        return error;
    }
    return {Errc::not_found,
            fmt::format("there is no read model `{}`; {}", name,
                        names->empty() ? std::string("there is none at all")
                                       : fmt::format("there are {}", fmt::join(*names, ", ")))};
}

Result<std::vector<std::string>> RemoteModels::names_of_models() {
    auto names = services_.names(kModelService, time_);
    if (names) {
        for (std::string& name : *names) {
            name.erase(0, kModelService.size());
        }
    }
    return names;
}

Result<std::vector<ModelInfo>> RemoteModels::list() {
    auto names = names_of_models();
    if (!names) {
        return names.error();
    }
    std::vector<ModelInfo> infos;
    for (const std::string& name : *names) {
        auto info = show(name);
        if (info) {
            infos.push_back(std::move(*info));
        } else if (info.error().code != Errc::not_found) {  // else it has left meanwhile
            return info.error();
        }
    }
    return infos;
}

Result<ModelInfo> RemoteModels::show(const std::string& name) {
    return ask(name, ShowModel{});
}

template <typename Message>
Result<typename Message::Reply> RemoteModels::declare(const Message& message) {
    auto answer = RemoteBus(services_, std::string(kDeclarationService), time_).ask(message);
    if (!answer && answer.error().code == Errc::not_ready) {
        return Error(Errc::not_ready,
                     "the node declares no projections: `skald serve` does, "
                     "and applications host their own");
    }
    return answer;
}

Result<ModelBegun> RemoteModels::create(const std::string& file, std::string_view text) {
    return declare(CreateModel{file, std::string(text)});
}

Result<void> RemoteModels::remove(const std::string& name) {
    return done(declare(RemoveModel{name}));
}

Result<ModelBegun> RemoteModels::rebuild(const std::string& name) {
    return ask(name, RebuildModel{});
}

Result<ModelBegun> RemoteModels::promote(const std::string& name, std::uint32_t version,
                                         std::chrono::milliseconds wait) {
    return ask(name, PromoteModel{version, count_of(wait)}, wait);
}

Result<void> RemoteModels::pause(const std::string& name) {
    return done(ask(name, PauseModel{}));
}

Result<void> RemoteModels::resume(const std::string& name) {
    return done(ask(name, ResumeModel{}));
}

Result<std::vector<ParkedEvent>> RemoteModels::parked(const std::string& name,
                                                      const std::string& key) {
    auto answer = ask(name, ListParked{key});
    return answer ? Result<std::vector<ParkedEvent>>(std::move(answer->events)) : answer.error();
}

Result<Replayed> RemoteModels::replay_parked(const std::string& name, const std::string& key) {
    auto answer = ask(name, ReplayParked{key});
    return answer ? Result<Replayed>(from_wire(*answer)) : answer.error();
}

Result<StreamState> RemoteModels::fold(const std::string& name, const StreamAt& what) {
    return ask(name, FoldStream{what.stream, what.at, what.until});
}

Result<RowPage> RemoteModels::query(const std::string& name, const RowQuery& query) {
    const auto wait = query.at_least ? query.wait : std::chrono::milliseconds(0);
    auto answer = ask(name, on_wire(query), wait);
    return answer ? from_wire(std::move(*answer)) : answer.error();
}

Result<std::unique_ptr<LiveSource>> RemoteModels::follow(const std::string& name,
                                                         const RowQuery& query,
                                                         const LiveOptions& options) {
    if (auto ok = check_live_options(options); !ok) {
        return ok.error();
    }
    OpenLive message{on_wire(query), static_cast<std::uint32_t>(options.buffered)};
    const auto wait = query.at_least ? query.wait : std::chrono::milliseconds(0);
    auto opened = ask(name, message, wait);
    if (!opened) {
        return opened.error();
    }
    return std::unique_ptr<LiveSource>(std::make_unique<RemoteLive>(
        live_link(services_, name, time_), std::move(message), std::move(*opened)));
}

}  // namespace skald::cqrs
