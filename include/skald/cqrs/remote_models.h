// Read models over a node: whoever holds them serves them, and `skald query`, `skald projection`
// and programs in any language ask.
//
//     auto served = serve_models(*services, models);            // in the program that holds them
//
//     RemoteModels models(*services);                           // and elsewhere
//     auto page = models.query("work", {.order = "events", .descending = true, .limit = 5});
//     auto live = models.live("work", {.order = "events"}, board);              // live_query.h
//
// A read model NAME is the service `model/NAME` (service_host.h), so that who may ask and who may
// serve it is said by permissions, and several copies of a program share its queries. The service
// `models` declares projections; a node run by `skald serve` has it. docs/read_models.md describes
// the messages.
//
// Threads: any.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "skald/cqrs/read_models.h"
#include "skald/services.h"

namespace skald::cqrs {

struct ServeModelsOptions {
    // Of each model: requests that are carried out at one time. One that waits for a position
    // takes one meanwhile.
    std::uint32_t threads = 4;
    bool declarations = false;  // also create and remove, as the service `models`
};

// Serves until it is destroyed.
class ServedModels {
  public:
    virtual ~ServedModels() = default;
    // What was added to the models since, and removed from them, otherwise than through the node.
    virtual Result<void> refresh() = 0;
};

// `host` and `models` outlive it. A model's name of more than 234 bytes, or with a `#`, is
// invalid_argument; other errors: those of ServiceHost::serve and ReadModels::list.
Result<std::unique_ptr<ServedModels>> serve_models(ServiceHost& host, ReadModels& models,
                                                   const ServeModelsOptions& options = {});

// Errors besides those of ReadModels and of Services::request: not_ready from create() and remove()
// where nobody declares projections. A page ends at 1.9 MiB of rows, then `next` goes on;
// handler_failed for a single row that is too large for a reply of 4 MiB. RowQuery::wait is cut to
// 9 minutes.
//
// Of live queries: busy beyond 64 of a model and 128 of the program that serves it;
// invalid_argument for a name of more than 197 bytes. One is kept for 30 s without being asked, as
// by a handler that takes longer: then it begins anew, fell_behind. Where the program that serves
// it goes away, it begins anew with another, connection_lost; its snapshot is older than what was
// told only if the rows there do not get so far within 5 s. It ends after 20 attempts in a row
// without an answer, about 70 s and what the requests take, and at once with an error that stays,
// as forbidden.
class RemoteModels final : public ReadModels {
  public:
    // `services` outlives it. `time`: of each request, besides what it is to wait.
    explicit RemoteModels(Services& services,
                          std::chrono::milliseconds time = std::chrono::seconds(10))
        : services_(services), time_(time) {}

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
    Result<std::unique_ptr<LiveSource>> follow(const std::string& name, const RowQuery& query,
                                               const LiveOptions& options) override;

  private:
    template <typename Message>
    Result<typename Message::Reply> ask(const std::string& name, const Message& message,
                                        std::chrono::milliseconds wait = {});
    template <typename Message>
    Result<typename Message::Reply> declare(const Message& message);
    Result<std::vector<std::string>> names_of_models();
    Error unserved(const std::string& name, Error error);

    Services& services_;
    const std::chrono::milliseconds time_;
};

}  // namespace skald::cqrs
