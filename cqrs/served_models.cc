#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "cqrs/limits.h"
#include "cqrs/live_sessions.h"
#include "cqrs/model_messages.h"
#include "skald/cqrs/remote_bus.h"
#include "skald/cqrs/remote_models.h"
#include "wire/service_call.h"

namespace skald::cqrs {
namespace {

Result<Nothing> nothing(const Result<void>& result) {
    return result ? Result<Nothing>(Nothing{}) : result.error();
}

std::chrono::milliseconds wait_of(std::uint64_t ms) {
    const auto most = static_cast<std::uint64_t>(limits::kRemoteWaitMax.count());
    return std::chrono::milliseconds(std::min(ms, most));
}

// One read model and its service.
class ServedModel {
  public:
    ServedModel(ReadModels& models, LiveSessions& live, std::string name)
        : models_(models), live_(live), name_(std::move(name)) {}

    Result<void> begin(ServiceHost& host, std::uint32_t threads) {
        if (wire::is_place(name_)) {
            return Error(Errc::invalid_argument, fmt::format("{} cannot be served: {} begins a "
                                                             "place of a service",
                                                             name_, wire::kPlaceSign));
        }
        if (auto ok = add_handlers(); !ok) {
            return ok;
        }
        ServeOptions options{.threads = threads};
        options.brief = [this](const ServiceRequest& request) { return look(request); };
        auto serving = serve_bus(host, std::string(kModelService) + name_, bus_, options);
        if (!serving) {
            return Error(serving.error().code,
                         fmt::format("{} cannot be served: {}", name_, serving.error().message));
        }
        serving_ = std::move(*serving);
        return {};
    }

  private:
    Result<void> add_handlers() {
        for (Result<void> ok :
             {bus_.answer<ShowModel>([this](const ShowModel&) { return models_.show(name_); }),
              bus_.answer<QueryRows>([this](const QueryRows& m) { return query(m); }),
              bus_.answer<OpenLive>([this](const OpenLive& m) { return live_.open(name_, m); }),
              bus_.answer<RebuildModel>(
                  [this](const RebuildModel&) { return models_.rebuild(name_); }),
              bus_.answer<PromoteModel>([this](const PromoteModel& m) {
                  return models_.promote(name_, m.version, wait_of(m.wait_ms));
              }),
              bus_.answer<PauseModel>(
                  [this](const PauseModel&) { return nothing(models_.pause(name_)); }),
              bus_.answer<ResumeModel>(
                  [this](const ResumeModel&) { return nothing(models_.resume(name_)); }),
              bus_.answer<FoldStream>([this](const FoldStream& m) {
                  return models_.fold(name_, {m.stream, m.at, m.until});
              }),
              bus_.answer<ListParked>([this](const ListParked& m) { return parked(m); }),
              bus_.answer<ReplayParked>([this](const ReplayParked& m) { return replay(m); })}) {
            if (!ok) {
                return ok;
            }
        }
        return {};
    }

    std::optional<Result<std::string>> look(const ServiceRequest& request) {
        const auto message = query_in<QueryRows>(request.payload);
        if (!message) {
            return std::nullopt;
        }
        auto query = from_wire(*message);
        if (!query) {
            return std::nullopt;
        }
        query->bytes = limits::kBriefPageBytesMax;
        auto page = models_.try_query(name_, *query);
        return page ? std::optional(encode_value(on_wire(std::move(*page)))) : std::nullopt;
    }
    Result<RowsOnWire> query(const QueryRows& message) {
        auto query = from_wire(message);
        if (query) {
            query->bytes = limits::kRemotePageBytesMax;
        }
        auto page = query ? models_.query(name_, *query) : query.error();
        return page ? Result<RowsOnWire>(on_wire(std::move(*page))) : page.error();
    }
    Result<ParkedOnWire> parked(const ListParked& message) {
        auto events = models_.parked(name_, message.key);
        return events ? Result<ParkedOnWire>(ParkedOnWire{std::move(*events)}) : events.error();
    }
    Result<ReplayedOnWire> replay(const ReplayParked& message) {
        auto replayed = models_.replay_parked(name_, message.key);
        return replayed ? Result<ReplayedOnWire>(on_wire(*replayed)) : replayed.error();
    }

    ReadModels& models_;
    LiveSessions& live_;
    const std::string name_;
    Bus bus_;
    std::unique_ptr<Serving> serving_;  // the last: what it carries out uses the others
};

class Served final : public ServedModels {
  public:
    Served(ServiceHost& host, ReadModels& models, const ServeModelsOptions& options)
        : host_(host), models_(models), options_(options), live_(host, models) {}

    Result<void> begin() {
        auto ok = refresh();
        return ok && options_.declarations ? serve_declarations() : std::move(ok);
    }

    Result<void> refresh() override {
        auto infos = models_.list();
        if (!infos) {
            return infos.error();
        }
        std::set<std::string> names;
        for (const ModelInfo& info : *infos) {
            names.insert(info.name);
        }
        std::vector<std::unique_ptr<ServedModel>> ended;  // after the lock: it waits for queries
        const std::lock_guard lock(mutex_);
        for (auto it = served_.begin(); it != served_.end();) {
            if (names.contains(it->first)) {
                ++it;
                continue;
            }
            ended.push_back(std::move(it->second));
            it = served_.erase(it);
        }
        for (const std::string& name : names) {
            if (auto ok = serve(name); !ok) {
                return ok;
            }
        }
        return {};
    }

  private:
    // With mutex_.
    Result<void> serve(const std::string& name) {
        if (served_.contains(name)) {
            return {};
        }
        auto served = std::make_unique<ServedModel>(models_, live_, name);
        auto ok = served->begin(host_, options_.threads);
        if (ok) {
            served_.emplace(name, std::move(served));
        }
        return ok;
    }

    Result<void> serve_declarations() {
        auto ok = bus_.answer<CreateModel>([this](const CreateModel& m) { return create(m); });
        if (ok) {
            ok = bus_.answer<RemoveModel>([this](const RemoveModel& m) {
                auto removed = models_.remove(m.model);
                return nothing(removed ? refresh() : std::move(removed));
            });
        }
        auto serving = ok ? serve_bus(host_, kDeclarationService, bus_) : ok.error();
        if (!serving) {
            return serving.error();
        }
        declarations_ = std::move(*serving);
        return {};
    }
    Result<ModelBegun> create(const CreateModel& message) {
        auto begun = models_.create(message.file, message.text);
        auto ok = begun ? refresh() : Result<void>();
        return ok ? std::move(begun) : ok.error();
    }

    ServiceHost& host_;
    ReadModels& models_;
    const ServeModelsOptions options_;
    LiveSessions live_;
    std::mutex mutex_;
    std::map<std::string, std::unique_ptr<ServedModel>> served_;  // guarded by mutex_
    Bus bus_;
    std::unique_ptr<Serving> declarations_;  // the last: what it carries out uses the others
};

}  // namespace

Result<std::unique_ptr<ServedModels>> serve_models(ServiceHost& host, ReadModels& models,
                                                   const ServeModelsOptions& options) {
    auto served = std::make_unique<Served>(host, models, options);
    auto ok = served->begin();
    return ok ? Result<std::unique_ptr<ServedModels>>(std::move(served)) : ok.error();
}

}  // namespace skald::cqrs
