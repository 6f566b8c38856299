// Workers in the node's own process, between their threads and the node's.
#pragma once

#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/worker_threads.h"
#include "broker/router.h"
#include "skald/service_host.h"

namespace skald::broker {

// A request that is answered later: once, from any thread.
struct DeferredRequest {
    Frame payload;
    std::function<void(Result<Frame>)> reply;
    Monotonic left{};  // whoever asked waits so long
};
// Runs on the node's thread: it takes the request and no more.
using DeferredHandler = std::function<void(DeferredRequest)>;

// serve(), serve_later() and what they return: any thread. The rest: the node's.
class LocalWorkers final : public ServiceHost {
  public:
    // `wake` is called when there is something for hand_on(). Both outlive it.
    LocalWorkers(const Clock& clock, std::function<void()> wake);
    ~LocalWorkers() override;

    Result<std::unique_ptr<Serving>> serve(std::string_view name, ServiceHandler handler,
                                           const ServeOptions& options) override;

    // Up to `capacity` requests are unanswered at a time. The handler may be called until a little
    // after the Serving ended.
    Result<std::unique_ptr<Serving>> serve_later(std::string_view name, std::uint32_t capacity,
                                                 DeferredHandler handler);

    // What workers said since the last time.
    void hand_on(Router& router, Effects& effects);
    // Up to so many as `brief` says may be answered here and now; it counts down.
    void call(const std::vector<LocalCall>& calls, std::size_t& brief, Router& router,
              Effects& effects);
    // Nothing is handed on any more.
    void close();

  private:
    class Worker;
    struct Inbox;
    struct Place;
    std::shared_ptr<Inbox> inbox_;
    const Clock& clock_;
};

}  // namespace skald::broker
