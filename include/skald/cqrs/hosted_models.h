// The read models of an application, for serve_models (remote_models.h):
//
//     HostedModels models(*store);
//     models.add(*orders, {orders_v1.get(), orders_v2.get()});
//     auto served = serve_models(*services, models);
//
// What the application's code decides cannot be asked for from outside: create(), rebuild(),
// pause(), remove() and fold() are unsupported_version with the reason.
//
// Threads: any; add() before it is served.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "skald/cqrs/read_models.h"
#include "skald/event_store.h"

namespace skald::cqrs {

class HostedModels final : public ReadModels {
  public:
    // The store, models and projectors outlive it.
    explicit HostedModels(EventStore& store) : store_(store) {}

    // Under the model's name; `projectors`: those of its versions that this process has.
    // already_exists; invalid_argument for a model without a name: start its projector first.
    Result<void> add(ReadModel& model, std::vector<Projector*> projectors);
    // The same for one that is only asked, as that of an inline projection: promote() is
    // unsupported_version, and what asks a projector is not_ready.
    Result<void> add(const ReadModel& model);

    Result<std::vector<ModelInfo>> list() override;
    Result<ModelInfo> show(const std::string& name) override;
    Result<ModelBegun> create(const std::string& file, std::string_view text) override;
    Result<ModelBegun> rebuild(const std::string& name) override;
    Result<ModelBegun> promote(const std::string& name, std::uint32_t version,
                               std::chrono::milliseconds wait) override;
    Result<void> pause(const std::string& name) override;
    Result<void> resume(const std::string& name) override;
    Result<std::vector<ParkedEvent>> parked(const std::string& name,
                                            const std::string& key) override;
    Result<Replayed> replay_parked(const std::string& name, const std::string& key) override;
    Result<void> remove(const std::string& name) override;
    Result<StreamState> fold(const std::string& name, const StreamAt& what) override;
    Result<RowPage> query(const std::string& name, const RowQuery& query) override;
    std::optional<RowPage> try_query(const std::string& name, const RowQuery& query) override;
    Result<std::unique_ptr<LiveSource>> follow(const std::string& name, const RowQuery& query,
                                               const LiveOptions& options) override;

  private:
    struct Hosted {
        const ReadModel* model = nullptr;
        ReadModel* promoted = nullptr;  // none: its versions are not for us
        std::vector<Projector*> projectors;
    };
    Result<void> host(const Hosted& hosted);
    Result<const Hosted*> find(const std::string& name) const;
    // Of the active version.
    Result<Projector*> projector(const std::string& name) const;

    EventStore& store_;
    std::map<std::string, Hosted> models_;
};

}  // namespace skald::cqrs
