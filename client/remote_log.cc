// The log of a node as copies are made from it. While one run of batches is being written, the next
// is on its way.
#include <algorithm>
#include <optional>

#include "base/limits.h"
#include "client/connection.h"
#include "wire/batch.h"

namespace skald {
namespace client {
namespace {

namespace msg = wire::msg;

class RemoteLog final : public LogSource {
  public:
    explicit RemoteLog(std::unique_ptr<Connection> connection)
        : connection_(std::move(connection)) {}

    Result<LogState> state() override {
        return connection_->answer_to<msg::LogAnswer>(
            msg::GetLog{}, [](msg::LogAnswer& a) { return std::move(a.state); });
    }

    Result<BatchRun> batches(const LogRange& range) override {
        if (!under_way_ || under_way_->partition != range.partition ||
            under_way_->from != range.from) {
            ask_for(range);
        }
        auto answer = Agent::wait(std::move(under_way_->answer));
        under_way_.reset();
        if (!answer) {
            return answer.error();
        }
        if (!std::holds_alternative<msg::LogBatches>(answer->message)) {
            return not_the_answer();
        }
        BatchRun run;
        for (const Body& body : answer->bodies) {
            run.batches.push_back(body.bytes);
        }
        run.memory = std::make_shared<std::vector<Body>>(std::move(answer->bodies));
        ask_ahead(range, run);
        return run;
    }

    Result<ProducerRows> producers(Partition partition, const std::string& after,
                                   std::size_t bytes) override {
        auto answer = connection_->ask(msg::FetchProducers{0, partition, after, wanted(bytes)});
        if (!answer) {
            return answer.error();
        }
        auto* head = std::get_if<msg::LogProducers>(&answer->message);
        if (head == nullptr || answer->bodies.size() != 1) {
            return not_the_answer();
        }
        return ProducerRows{head->covered, std::string(as_text(answer->bodies[0].bytes)),
                            std::move(head->next)};
    }

  private:
    struct UnderWay {
        Partition partition;
        Offset from;
        std::future<Result<Answer>> answer;
    };

    static std::uint32_t wanted(std::size_t bytes) {
        return static_cast<std::uint32_t>(std::min(bytes, limits::kPageBytesMax));
    }

    void ask_for(const LogRange& range) {
        const msg::FetchLog fetch{0, range.partition, range.from, range.end, wanted(range.bytes)};
        under_way_.emplace(
            UnderWay{range.partition, range.from, connection_->agent().ask_ahead(fetch)});
    }

    void ask_ahead(LogRange range, const BatchRun& run) {
        const auto last = run.batches.empty() ? Result<wire::BatchView>(not_the_answer())
                                              : wire::BatchView::open(run.batches.back());
        if (last && last->end() > range.from && last->end() < range.end) {
            range.from = last->end();
            ask_for(range);
        }
    }

    std::optional<UnderWay> under_way_;
    std::unique_ptr<Connection> connection_;
};

}  // namespace
}  // namespace client

Result<std::unique_ptr<LogSource>> connect_log(const ClientOptions& options) {
    auto connection = client::Connection::open_for_logs(options);
    if (!connection) {
        return connection.error();
    }
    return std::unique_ptr<LogSource>(std::make_unique<client::RemoteLog>(std::move(*connection)));
}

}  // namespace skald
