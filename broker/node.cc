#include "skald/node.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>

#include "base/endpoint.h"
#include "broker/agent.h"
#include "broker/consumers/consumer_host.h"
#include "broker/coord_host.h"
#include "broker/http/server.h"
#include "broker/metrics.h"
#include "broker/transport/zap.h"
#include "store/local_store.h"

namespace skald {
namespace broker {
namespace {

bool starts_with(std::string_view text, std::string_view prefix) {
    return text.substr(0, prefix.size()) == prefix;
}

// Whether only this machine can reach the endpoint.
bool is_private(std::string_view endpoint) {
    for (const char* prefix :
         {"ipc://", "inproc://", "tcp://127.", "tcp://localhost:", "tcp://[::1]:"}) {
        if (starts_with(endpoint, prefix)) {
            return true;
        }
    }
    return false;
}

// `*` or 40 characters of Z85.
bool is_key(const std::string& key) {
    return key == "*" || wire::is_curve_key(key);
}

Result<void> check_keys(const NodeOptions& options) {
    if (options.secret_key.empty() && !options.clients.empty()) {
        return Error(Errc::invalid_argument,
                     "the keys of clients were given but no secret key of the node: without one "
                     "nobody is asked for a key");
    }
    const auto bad = [](const char* what, const std::string& key) {
        return Error(Errc::invalid_argument,
                     fmt::format("{} {:?} is neither `*` nor 40 characters of Z85", what, key));
    };
    for (const std::string& key : options.clients) {
        if (!is_key(key)) {
            return bad("a client's key", key);
        }
    }
    for (const Permission& permission : options.permissions) {
        if (!is_key(permission.key)) {
            return bad("a permission's key", permission.key);
        }
    }
    return {};
}

Result<void> check_options(const NodeOptions& options) {
    if (options.volume == nullptr && options.data_dir.empty()) {
        return Error(Errc::invalid_argument, "a node needs a data directory or a volume");
    }
    if (!options.secret_key.empty() && !wire::is_curve_key(options.secret_key)) {
        return Error(Errc::invalid_argument, "the secret key is not 40 characters of Z85");
    }
    if (auto ok = check_keys(options); !ok) {
        return ok;
    }
    for (const std::string& endpoint : options.listen) {
        if (auto ok = check_endpoint(endpoint); !ok) {
            return ok;
        }
        if (options.secret_key.empty() && !is_private(endpoint)) {
            return Error(Errc::invalid_argument,
                         fmt::format("endpoint {} can be reached from other machines: it needs a "
                                     "secret key and the public keys of its clients",
                                     endpoint));
        }
    }
    return wire::check_zmq_version();
}

// Every connection is a file, and the limit a process begins with is often 1,024. What cannot be
// raised stays: connections beyond are then not accepted.
void raise_file_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

class NodeImpl final : public Node {
  public:
    static Result<std::unique_ptr<Node>> make(const NodeOptions& options) {
        if (auto ok = check_options(options); !ok) {
            return ok.error();
        }
        raise_file_limit();
        auto node = std::make_unique<NodeImpl>();
        if (auto ok = node->open_volume(options); !ok) {
            return ok.error();
        }
        if (auto ok = node->open_coord(options); !ok) {
            return ok.error();
        }
        if (auto ok = node->listen(options); !ok) {
            return ok.error();
        }
        return std::unique_ptr<Node>(std::move(node));
    }

    ~NodeImpl() override {
        if (agent_) {
            stop();
        }
        http_.reset();
        coord_host_.reset();
        consumers_.reset();
        agent_.reset();
    }

    std::vector<std::string> endpoints() const override { return endpoints_; }
    std::string http_endpoint() const override { return http_ ? http_->endpoint() : std::string(); }
    std::string id() const override { return to_string(volume_->info().node); }
    EventStore& local() override { return *local_; }
    ServiceHost& services() override { return agent_->workers(); }
    coord::Coord* coord() override { return coord_; }
    Result<void> wait() override { return agent_->wait(); }
    void stop() override {
        ready_ = false;
        agent_->stop();
        (void)agent_->wait();
    }

  private:
    Result<void> open_volume(const NodeOptions& options) {
        volume_ = options.volume;
        if (volume_ == nullptr) {
            store::VolumeOptions volume_options;
            volume_options.partitions = options.partitions;
            volume_options.map_bytes = options.map_bytes;
            auto volume = store::Volume::open(options.data_dir, volume_options);
            if (!volume) {
                return volume.error();
            }
            owned_ = std::move(*volume);
            volume_ = owned_.get();
        }
        local_ = store::make_local_store(*volume_);
        return {};
    }

    Result<void> open_coord(const NodeOptions& options) {
        coord_ = options.coord;
        if (coord_ != nullptr || options.volume != nullptr) {
            return {};
        }
        auto coord = coord::open_coord(options.data_dir + "/coord");
        if (!coord) {
            return coord.error();
        }
        own_coord_ = std::move(*coord);
        coord_ = own_coord_.get();
        return {};
    }

    Result<void> listen(const NodeOptions& options) {
        CurveServer curve{options.secret_key, "skald-" + id()};
        if (!curve.secret_key.empty()) {
            zap_ = std::make_unique<ZapDomain>(curve.domain, options.clients);
        }
        auto agent = Agent::open({*volume_, SystemClock::instance(), options.limits,
                                  options.permissions, std::move(curve)});
        if (!agent) {
            return agent.error();
        }
        for (const std::string& endpoint : options.listen) {
            auto bound = (*agent)->bind(endpoint);
            if (!bound) {
                return bound.error();
            }
            endpoints_.push_back(std::move(*bound));
        }
        if (!options.http.empty()) {
            auto http = http::Server::start(
                options.http, [this](const http::Request& request) { return answer(request); });
            if (!http) {
                return http.error();
            }
            http_ = std::move(*http);
        }
        agent_ = std::move(*agent);
        agent_->start();
        auto consumers =
            ConsumerHost::start({*volume_, SystemClock::instance(), agent_->workers()});
        if (!consumers) {
            return consumers.error();
        }
        consumers_ = std::move(*consumers);
        if (auto ok = serve_coord(); !ok) {
            return ok;
        }
        ready_ = true;
        return {};
    }

    Result<void> serve_coord() {
        if (coord_ == nullptr) {
            return {};
        }
        auto host = CoordHost::start({*coord_, SystemClock::instance(), agent_->workers()});
        if (!host) {
            return host.error();
        }
        coord_host_ = std::move(*host);
        return {};
    }

    // On the HTTP server's thread, maybe before the node is ready.
    http::Response answer(const http::Request& request) {
        if (request.path == "/livez") {
            return {200, "text/plain", "ok\n"};
        }
        if (!ready_ || volume_->failure()) {
            return {503, "text/plain", "not ready\n"};
        }
        if (request.path == "/readyz") {
            return {200, "text/plain", "ok\n"};
        }
        if (request.path == "/metrics") {
            return {200, "text/plain; version=0.0.4",
                    metrics_text(agent_->stats(), volume_->info(), consumers_->statuses(),
                                 coord_host_ ? coord_host_->stats() : CoordStats{})};
        }
        if (request.path == "/info") {
            return {200, "application/json", info_json(volume_->info(), endpoints_)};
        }
        return {404, "text/plain", "not found\n"};
    }

    std::unique_ptr<store::Volume> owned_;
    store::Volume* volume_ = nullptr;
    std::unique_ptr<EventStore> local_;
    std::unique_ptr<ZapDomain> zap_;
    std::unique_ptr<Agent> agent_;
    std::unique_ptr<ConsumerHost> consumers_;
    std::unique_ptr<coord::Coord> own_coord_;
    coord::Coord* coord_ = nullptr;
    std::unique_ptr<CoordHost> coord_host_;
    std::unique_ptr<http::Server> http_;
    std::vector<std::string> endpoints_;
    std::atomic<bool> ready_{false};
};

}  // namespace
}  // namespace broker

Result<std::unique_ptr<Node>> Node::start(const NodeOptions& options) {
    return broker::NodeImpl::make(options);
}

}  // namespace skald
