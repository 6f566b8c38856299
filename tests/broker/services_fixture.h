// Programs that serve and ask over a node, for tests.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "skald/services.h"
#include "tests/broker/node_fixture.h"

namespace skald {

inline std::unique_ptr<Services> services_of(const Node& node) {
    ClientOptions options;
    options.servers = node.endpoints();
    auto services = connect_services(options);
    INFO((services ? std::string() : services.error().message));
    REQUIRE(services);
    return std::move(*services);
}

inline std::unique_ptr<Serving> serve(Services& services, const std::string& name,
                                      ServiceHandler handler, const ServeOptions& options = {}) {
    auto serving = services.serve(name, std::move(handler), options);
    INFO((serving ? std::string() : serving.error().message));
    REQUIRE(serving);
    return std::move(*serving);
}

// Workers stand here until they may go on.
class Gate {
  public:
    void pass() {
        std::unique_lock lock(mutex_);
        ++waiting_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return open_; });
    }
    void open() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    void wait_for(int waiting) {
        std::unique_lock lock(mutex_);
        REQUIRE(changed_.wait_for(lock, 60s, [&] { return waiting_ >= waiting; }));
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int waiting_ = 0;
    bool open_ = false;
};

}  // namespace skald
