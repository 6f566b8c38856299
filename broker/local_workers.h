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

// serve() and what it returns: any thread. The rest: the node's.
class LocalWorkers final : public ServiceHost {
  public:
    // `wake` is called when there is something for hand_on(). Both outlive it.
    LocalWorkers(const Clock& clock, std::function<void()> wake);
    ~LocalWorkers() override;

    Result<std::unique_ptr<Serving>> serve(std::string_view name, ServiceHandler handler,
                                           const ServeOptions& options) override;

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
    std::shared_ptr<Inbox> inbox_;
    const Clock& clock_;
};

}  // namespace skald::broker
