#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "client/connection.h"
#include "skald/services.h"

namespace skald {
namespace client {
namespace {

namespace msg = wire::msg;

constexpr std::chrono::milliseconds kTimeMax = std::chrono::minutes(10);
constexpr std::uint32_t kThreadsMax = 1024;

// The threads of one worker. The node never has more requests with it than it has threads, so that
// its queue is as long as that.
class RemoteServing final : public Serving {
  public:
    RemoteServing(std::shared_ptr<Connection> connection, ServiceHandler handler,
                  std::uint32_t threads)
        : connection_(std::move(connection)), handler_(std::move(handler)) {
        for (std::uint32_t i = 0; i < threads; ++i) {
            threads_.emplace_back([this] { run(); });
        }
    }
    ~RemoteServing() override {
        if (worker_ != 0) {
            connection_->agent().unserve(worker_);
        }
        {
            const std::lock_guard lock(inbox_->mutex);
            inbox_->stop = true;
            inbox_->calls.clear();
        }
        inbox_->work.notify_all();
        for (std::thread& thread : threads_) {
            thread.join();
        }
    }

    Result<void> begin(msg::Serve serve) {
        auto worker = connection_->agent().serve(
            std::move(serve), [inbox = inbox_](Called called) { put(*inbox, std::move(called)); });
        if (!worker) {
            return worker.error();
        }
        worker_ = *worker;
        return {};
    }

  private:
    // Outlives the serving while the socket's thread may still put something in.
    struct Inbox {
        std::mutex mutex;
        std::condition_variable work;
        std::deque<Called> calls;  // guarded by mutex, like the next
        bool stop = false;
    };

    static void put(Inbox& inbox, Called called) {
        {
            const std::lock_guard lock(inbox.mutex);
            if (inbox.stop) {
                return;
            }
            inbox.calls.push_back(std::move(called));
        }
        inbox.work.notify_one();
    }

    void run() {
        std::unique_lock lock(inbox_->mutex);
        while (true) {
            inbox_->work.wait(lock, [this] { return inbox_->stop || !inbox_->calls.empty(); });
            if (inbox_->stop) {
                return;
            }
            const Called called = std::move(inbox_->calls.front());
            inbox_->calls.pop_front();
            lock.unlock();
            connection_->agent().respond({called.number, called.connection, carry_out(called)});
            lock.lock();
        }
    }

    Result<std::string> carry_out(const Called& called) const {
        try {
            auto reply =
                handler_({as_text(called.body.bytes), std::chrono::milliseconds(called.left_ms)});
            if (reply && reply->size() > limits::kRequestBytesMax) {
                return Error(Errc::handler_failed,
                             fmt::format("a reply of {} bytes; at most {}", reply->size(),
                                         limits::kRequestBytesMax));
            }
            return reply;
        } catch (const std::exception& thrown) {
            return Error(Errc::handler_failed, fmt::format("the worker failed: {}", thrown.what()));
        } catch (...) {
            return Error(Errc::handler_failed, "the worker threw no std::exception");
        }
    }

    std::shared_ptr<Connection> connection_;
    ServiceHandler handler_;
    std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
    std::uint64_t worker_ = 0;
    std::vector<std::thread> threads_;
};

class RemoteServices final : public Services {
  public:
    explicit RemoteServices(std::unique_ptr<Connection> connection)
        : connection_(std::move(connection)) {}

    Result<std::unique_ptr<Serving>> serve(std::string_view name, ServiceHandler handler,
                                           const ServeOptions& options) override {
        if (options.threads == 0 || options.threads > kThreadsMax) {
            return Error(Errc::invalid_argument,
                         fmt::format("{} threads of 1-{}", options.threads, kThreadsMax));
        }
        auto serving =
            std::make_unique<RemoteServing>(connection_, std::move(handler), options.threads);
        auto ok = serving->begin(
            {0, std::string(name), options.balance, options.weight, options.threads});
        return ok ? Result<std::unique_ptr<Serving>>(std::move(serving)) : ok.error();
    }

    Result<std::string> request(std::string_view name, std::string payload,
                                std::chrono::milliseconds time) override {
        if (payload.size() > limits::kRequestBytesMax) {
            return Error(Errc::request_too_large,
                         fmt::format("a request of {} bytes; at most {}", payload.size(),
                                     limits::kRequestBytesMax));
        }
        auto answer = connection_->agent().call(
            name, std::move(payload), std::clamp(time, std::chrono::milliseconds(0), kTimeMax));
        if (!answer) {
            return answer.error();
        }
        return answer->bodies.empty() ? std::string()
                                      : std::string(as_text(answer->bodies.front().bytes));
    }

  private:
    std::shared_ptr<Connection> connection_;
};

}  // namespace
}  // namespace client

Result<std::unique_ptr<Services>> connect_services(const ClientOptions& options) {
    auto connection = client::Connection::open(options);
    if (!connection) {
        return connection.error();
    }
    if (((*connection)->welcome().features & wire::msg::kFeatureServices) == 0) {
        return Error(Errc::unsupported_version, "the node does not know services");
    }
    return std::unique_ptr<Services>(
        std::make_unique<client::RemoteServices>(std::move(*connection)));
}

}  // namespace skald
