#include "skald/cqrs/hosted_models.h"

#include <fmt/format.h>

#include <algorithm>

#include "cqrs/model_info.h"

namespace skald::cqrs {
namespace {

Error code_decides(const std::string& name, std::string_view what) {
    return {Errc::unsupported_version,
            fmt::format("{} is hosted in an application, whose code {}", name, what)};
}

Error about(const std::string& name, const Error& error) {
    return {error.code, fmt::format("{}: {}", name, error.message)};
}

std::uint32_t active(const ReadModel& model) {
    const std::vector<VersionStatus> versions = model.versions();
    const auto found = std::find_if(versions.begin(), versions.end(),
                                    [](const VersionStatus& status) { return status.active; });
    return found == versions.end() ? 0 : found->version;
}

}  // namespace

Result<void> HostedModels::add(ReadModel& model, std::vector<Projector*> projectors) {
    return host({&model, &model, std::move(projectors)});
}

Result<void> HostedModels::add(const ReadModel& model) {
    return host({&model, nullptr, {}});
}

Result<void> HostedModels::host(const Hosted& hosted) {
    const std::string name = hosted.model->name();
    if (name.empty()) {
        return Error(Errc::invalid_argument,
                     "the read model has no name yet: start its projector first");
    }
    if (!models_.emplace(name, hosted).second) {
        return Error(Errc::already_exists, fmt::format("{} is hosted already", name));
    }
    return {};
}

Result<const HostedModels::Hosted*> HostedModels::find(const std::string& name) const {
    const auto found = models_.find(name);
    if (found != models_.end()) {
        return &found->second;
    }
    std::string known;
    for (const auto& [each, hosted] : models_) {
        known += (known.empty() ? "there are " : ", ") + each;
    }
    return Error(Errc::not_found, fmt::format("there is no read model `{}`; {}", name,
                                              known.empty() ? "there is none at all" : known));
}

Result<std::vector<ModelInfo>> HostedModels::list() {
    std::vector<ModelInfo> infos;
    for (const auto& [name, hosted] : models_) {
        auto info = show(name);
        if (!info) {
            return info.error();
        }
        infos.push_back(std::move(*info));
    }
    return infos;
}

Result<ModelInfo> HostedModels::show(const std::string& name) {
    auto hosted = find(name);
    auto head = hosted ? store_.position() : hosted.error();
    if (!head) {
        return head.error();
    }
    ModelInfo info;
    info.name = name;
    for (const VersionStatus& status : (*hosted)->model->versions()) {
        info.versions.push_back(info_of(status, *head));
    }
    return info;
}

Result<RowPage> HostedModels::query(const std::string& name, const RowQuery& query) {
    auto hosted = find(name);
    if (!hosted) {
        return hosted.error();
    }
    auto page = (*hosted)->model->query(query);
    return page ? std::move(page) : about(name, page.error());
}

std::optional<RowPage> HostedModels::try_query(const std::string& name, const RowQuery& query) {
    const auto hosted = find(name);
    return hosted ? (*hosted)->model->try_query(query) : std::nullopt;
}

Result<std::unique_ptr<LiveSource>> HostedModels::follow(const std::string& name,
                                                         const RowQuery& query,
                                                         const LiveOptions& options) {
    auto hosted = find(name);
    if (!hosted) {
        return hosted.error();
    }
    auto source = (*hosted)->model->follow(query, options);
    return source ? std::move(source) : about(name, source.error());
}

Result<ModelBegun> HostedModels::promote(const std::string& name, std::uint32_t version,
                                         std::chrono::milliseconds wait) {
    auto hosted = find(name);
    if (!hosted) {
        return hosted.error();
    }
    if ((*hosted)->promoted == nullptr) {
        return code_decides(name, "attaches the version that is asked");
    }
    const std::vector<VersionStatus> versions = (*hosted)->model->versions();
    const std::uint32_t wanted =
        version == 0 && !versions.empty() ? versions.back().version : version;
    auto ok = (*hosted)->promoted->promote(wanted, wait);
    return ok ? Result<ModelBegun>(ModelBegun{name, wanted, true}) : about(name, ok.error());
}

Result<Projector*> HostedModels::projector(const std::string& name) const {
    auto hosted = find(name);
    if (!hosted) {
        return hosted.error();
    }
    const std::uint32_t wanted = active(*(*hosted)->model);
    for (Projector* projector : (*hosted)->projectors) {
        auto status = projector->status();
        if (status && status->version.version == wanted) {
            return projector;
        }
    }
    return Error(Errc::not_ready,
                 fmt::format("{}: this copy does not project version {}", name, wanted));
}

Result<void> HostedModels::resume(const std::string& name) {
    auto hosted = find(name);
    if (!hosted) {
        return hosted.error();
    }
    for (Projector* projector : (*hosted)->projectors) {
        projector->resume();
    }
    return {};
}

Result<std::vector<ParkedEvent>> HostedModels::parked(const std::string& name,
                                                      const std::string& key) {
    auto running = projector(name);
    return running ? (*running)->parked(key) : running.error();
}

Result<Replayed> HostedModels::replay_parked(const std::string& name, const std::string& key) {
    auto running = projector(name);
    return running ? (*running)->replay_parked(key) : running.error();
}

Result<ModelBegun> HostedModels::create(const std::string& file, std::string_view) {
    return code_decides(file, "declares its projections");
}

Result<ModelBegun> HostedModels::rebuild(const std::string& name) {
    auto hosted = find(name);
    return hosted ? code_decides(name, "starts the next version") : hosted.error();
}

Result<void> HostedModels::pause(const std::string& name) {
    auto hosted = find(name);
    return hosted ? code_decides(name, "starts and ends its projectors") : hosted.error();
}

Result<void> HostedModels::remove(const std::string& name) {
    auto hosted = find(name);
    return hosted ? code_decides(name, "declares its projections") : hosted.error();
}

Result<StreamState> HostedModels::fold(const std::string& name, const StreamAt&) {
    auto hosted = find(name);
    return hosted ? code_decides(name, "folds streams with fold()") : hosted.error();
}

}  // namespace skald::cqrs
