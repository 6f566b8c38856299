#include <fmt/format.h>

#include <algorithm>

#include "base/worker_threads.h"
#include "client/connection.h"
#include "skald/services.h"
#include "wire/service_call.h"

namespace skald {
namespace client {
namespace {

namespace msg = wire::msg;

constexpr std::chrono::milliseconds kTimeMax = std::chrono::minutes(10);

// One worker. The node never has more requests with it than it has threads, so that their queue is
// as long as that: what a connection that is gone left there is dropped.
class RemoteServing final : public Serving {
  public:
    RemoteServing(std::shared_ptr<Connection> connection, BriefHandler brief,
                  std::unique_ptr<WorkerThreads> threads)
        : connection_(std::move(connection)),
          brief_(std::make_shared<wire::BriefAnswers>(std::move(brief))),
          threads_(std::move(threads)) {}
    ~RemoteServing() override {
        brief_->close();
        if (worker_ != 0) {
            connection_->agent().unserve(worker_);
        }
    }

    Result<void> begin(msg::Serve serve, ServiceHandler handler) {
        auto worker = connection_->agent().serve(
            std::move(serve),
            [queue = threads_->queue(), agent = &connection_->agent(),
             handler = std::make_shared<const ServiceHandler>(std::move(handler)), brief = brief_,
             latest = std::make_shared<std::uint32_t>(0)](Called called) {
                if (std::exchange(*latest, called.connection) != called.connection) {
                    queue->clear();
                }
                if (auto reply = brief->ask(request_of(called))) {
                    agent->respond(response_to(called, std::move(*reply)));
                    return;
                }
                queue->add([handler, agent, called = std::move(called)] {
                    agent->respond(
                        response_to(called, wire::carry_out(*handler, request_of(called))));
                });
            });
        if (!worker) {
            return worker.error();
        }
        worker_ = *worker;
        return {};
    }

  private:
    static ServiceRequest request_of(const Called& called) {
        return {as_text(called.body.bytes), std::chrono::milliseconds(called.left_ms)};
    }
    static Response response_to(const Called& called, Result<std::string> reply) {
        return {called.worker, called.number, called.connection, std::move(reply)};
    }

    const std::shared_ptr<Connection> connection_;
    const std::shared_ptr<wire::BriefAnswers> brief_;
    std::uint64_t worker_ = 0;
    std::unique_ptr<WorkerThreads> threads_;  // the last: their work uses the connection
};

class RemoteServices final : public Services {
  public:
    explicit RemoteServices(std::unique_ptr<Connection> connection)
        : connection_(std::move(connection)) {}

    Result<std::unique_ptr<Serving>> serve(std::string_view name, ServiceHandler handler,
                                           const ServeOptions& options) override {
        if (auto ok = wire::check_serve_options(options); !ok) {
            return ok.error();
        }
        auto threads = WorkerThreads::start(options.threads);
        if (!threads) {
            return threads.error();
        }
        auto serving =
            std::make_unique<RemoteServing>(connection_, options.brief, std::move(*threads));
        auto ok =
            serving->begin({0, std::string(name), options.balance, options.weight, options.threads},
                           std::move(handler));
        return ok ? Result<std::unique_ptr<Serving>>(std::move(serving)) : ok.error();
    }

    Result<std::string> request(std::string_view name, std::string payload,
                                std::chrono::milliseconds time) override {
        if (auto ok = check(payload); !ok) {
            return ok.error();
        }
        return text_of(connection_->agent().call(name, std::move(payload), cut(time)));
    }

    void begin_request(std::string_view name, std::string payload, std::chrono::milliseconds time,
                       std::function<void(Result<std::string>)> answer) override {
        if (auto ok = check(payload); !ok) {
            answer(ok.error());
            return;
        }
        connection_->agent().begin_call(
            name, std::move(payload), cut(time),
            [answer = std::move(answer)](const Result<Answer>& reply) { answer(text_of(reply)); });
    }

    Result<std::vector<std::string>> names(std::string_view prefix,
                                           std::chrono::milliseconds time) override {
        auto lines = request(wire::kServiceNames, std::string(prefix), time);
        if (!lines) {
            return lines.error();
        }
        std::vector<std::string> names;
        for (std::size_t at = 0; at < lines->size();) {
            const std::size_t end = std::min(lines->find('\n', at), lines->size());
            names.push_back(lines->substr(at, end - at));
            at = end + 1;
        }
        return names;
    }

  private:
    static Result<void> check(const std::string& payload) {
        if (payload.size() > limits::kRequestBytesMax) {
            return Error(Errc::request_too_large,
                         fmt::format("a request of {} bytes; at most {}", payload.size(),
                                     limits::kRequestBytesMax));
        }
        return {};
    }
    static std::chrono::milliseconds cut(std::chrono::milliseconds time) {
        return std::clamp(time, std::chrono::milliseconds(0), kTimeMax);
    }
    static Result<std::string> text_of(const Result<Answer>& reply) {
        if (!reply) {
            return reply.error();
        }
        return reply->bodies.empty() ? std::string()
                                     : std::string(as_text(reply->bodies.front().bytes));
    }

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
