#include "tests/cqrs/live_reach.h"

#include <atomic>
#include <random>
#include <thread>

#include "cqrs/limits.h"
#include "cqrs/live_session.h"
#include "cqrs/remote_live.h"
#include "skald/cqrs/hosted_models.h"
#include "skald/cqrs/remote_models.h"
#include "skald/node.h"
#include "tests/temp_directory.h"

namespace skald::cqrs {

class LiveReach::Way {
  public:
    virtual ~Way() = default;
    virtual void lead_to(ReadModel& model) = 0;
    virtual Result<std::unique_ptr<LiveSource>> follow(const RowQuery& query,
                                                       const LiveOptions& options) = 0;
    virtual std::size_t most() const = 0;
};

namespace {

class InProcess : public LiveReach::Way {
  public:
    void lead_to(ReadModel& model) override { model_ = &model; }
    Result<std::unique_ptr<LiveSource>> follow(const RowQuery& query,
                                               const LiveOptions& options) override {
        return model_->follow(query, options);
    }
    std::size_t most() const override { return limits::kLiveQueriesMax; }

  protected:
    ReadModel* model_ = nullptr;
};

class OverNode final : public LiveReach::Way {
  public:
    OverNode() {
        NodeOptions options;
        options.data_dir = directory_.path("data");
        options.map_bytes = std::size_t{1} << 28;
        options.listen = {"ipc://" + directory_.path("node")};
        auto node = Node::start(options);
        REQUIRE(node);
        node_ = std::move(*node);
        here_ = connect();
        there_ = connect();
        remote_ = std::make_unique<RemoteModels>(*there_);
    }
    void lead_to(ReadModel& model) override {
        served_.reset();
        hosted_ = std::make_unique<HostedModels>(node_->local());
        REQUIRE(hosted_->add(model, {}));
        auto served = serve_models(*here_, *hosted_);
        INFO((served ? "" : served.error().message));
        REQUIRE(served);
        served_ = std::move(*served);
        name_ = model.name();
    }
    Result<std::unique_ptr<LiveSource>> follow(const RowQuery& query,
                                               const LiveOptions& options) override {
        return remote_->follow(name_, query, options);
    }
    std::size_t most() const override { return limits::kRemoteLiveModelMax; }

  private:
    std::unique_ptr<Services> connect() const {
        ClientOptions options;
        options.servers = node_->endpoints();
        auto services = connect_services(options);
        REQUIRE(services);
        return std::move(*services);
    }

    TempDirectory directory_;
    std::unique_ptr<Node> node_;
    std::unique_ptr<Services> here_;
    std::unique_ptr<Services> there_;
    std::unique_ptr<HostedModels> hosted_;
    std::unique_ptr<ServedModels> served_;
    std::unique_ptr<RemoteModels> remote_;
    std::string name_;
};

class BadLine final : public LiveLink {
  public:
    BadLine(const ReadModel& model, unsigned seed) : model_(model), dice_(seed) {}

    Result<LiveOpened> open(const OpenLive& message) override {
        if (dice_() % 4 == 0) {
            return Error(Errc::outcome_unknown, "lost");
        }
        auto query = from_wire(message.query);
        if (query) {
            query->wait = {};  // no projector runs
        }
        auto source = query ? model_.follow(*query, {message.buffered}) : query.error();
        while (!source && source.error().code == Errc::not_ready && !stopped_) {
            std::this_thread::yield();  // pauses take no time: attempts would run out
            source = model_.follow(*query, {message.buffered});
        }
        if (!source) {
            return source.error();
        }
        const std::scoped_lock lock(mutex_);
        session_ = std::make_shared<LiveSession>(std::move(*source));
        return LiveOpened{std::to_string(++sessions_)};
    }
    Result<LiveAnswer> poll(const std::string& service, const PollLive& message) override {
        const auto session = this->session();
        if (!session || service != std::to_string(sessions_)) {
            return Error(Errc::not_ready, "nobody serves");
        }
        switch (dice_() % 8) {
            case 0:
                return Error(Errc::outcome_unknown, "lost on the way there");
            case 1:
                (void)session->poll(message);
                return Error(Errc::outcome_unknown, "lost on the way back");
            case 2:
                (void)session->poll(message);
                break;  // came twice
            case 3:
                forget();
                return Error(Errc::not_ready, "nobody serves any more");
            default:
                break;
        }
        return session->poll(message);
    }
    void close(const std::string&) override { forget(); }
    void pause(std::chrono::milliseconds length) override { now_ += length; }
    Monotonic now() const override { return now_; }
    void stop() override {
        stopped_ = true;
        if (const auto running = session()) {
            running->stop();
        }
    }

  private:
    std::shared_ptr<LiveSession> session() {
        const std::scoped_lock lock(mutex_);
        return session_;
    }
    void forget() {
        const std::scoped_lock lock(mutex_);
        session_.reset();
    }

    const ReadModel& model_;
    std::minstd_rand dice_;
    Monotonic now_{};
    std::atomic<bool> stopped_ = false;
    std::mutex mutex_;
    std::shared_ptr<LiveSession> session_;  // with mutex_
    unsigned sessions_ = 0;
};

class OverBadLine final : public InProcess {
  public:
    Result<std::unique_ptr<LiveSource>> follow(const RowQuery& query,
                                               const LiveOptions& options) override {
        auto link = std::make_unique<BadLine>(*model_, ++seed_);
        OpenLive message{on_wire(query), static_cast<std::uint32_t>(options.buffered)};
        // As its first words are lost, it begins when it is asked.
        return std::unique_ptr<LiveSource>(std::make_unique<RemoteLive>(
            std::move(link), std::move(message), LiveOpened{"forgotten"}));
    }

  private:
    unsigned seed_ = 0;
};

std::unique_ptr<LiveReach::Way> way(const std::string& kind) {
    if (kind == "over a node") {
        return std::make_unique<OverNode>();
    }
    if (kind == "over a bad line") {
        return std::make_unique<OverBadLine>();
    }
    return std::make_unique<InProcess>();
}

}  // namespace

LiveReach::LiveReach(const std::string& kind) : way_(way(kind)) {}
LiveReach::~LiveReach() = default;

void LiveReach::lead_to(ReadModel& model) {
    way_->lead_to(model);
}

Result<std::unique_ptr<LiveQuery>> LiveReach::live(const RowQuery& query,
                                                   LiveHandler<std::string>& handler,
                                                   const LiveOptions& options) {
    auto source = way_->follow(query, options);
    return source ? Result<std::unique_ptr<LiveQuery>>(start_live(std::move(*source), handler))
                  : source.error();
}

std::unique_ptr<LiveQuery> LiveReach::follow(LiveHandler<std::string>& handler,
                                             const RowQuery& query, const LiveOptions& options) {
    auto started = live(query, handler, options);
    INFO((started ? "" : started.error().message));
    REQUIRE(started);
    return std::move(*started);
}

std::size_t LiveReach::most() const {
    return way_->most();
}

}  // namespace skald::cqrs
