// A session for tests, with its hands on the clock, and what became of its calls.
#pragma once

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <map>

#include "client/session.h"

namespace skald::client {

using namespace std::chrono_literals;
namespace msg = wire::msg;

inline std::vector<std::uint64_t> ids(const std::vector<SequencedSend>& sends) {
    std::vector<std::uint64_t> list;
    for (const SequencedSend& send : sends) {
        list.push_back(send.id);
    }
    return list;
}

using Ids = std::vector<std::uint64_t>;

// A session with its hands on the clock, and what became of its calls.
class SessionFixture {
  public:
    explicit SessionFixture(std::size_t servers = 1, std::uint16_t partitions = 1)
        : partitions_(partitions), session_(options(servers)) {
        session_.start(now_);
        take();
    }

    void welcome(std::uint32_t credit = 100) {
        msg::Welcome welcome;
        welcome.partition_count = partitions_;
        for (std::uint16_t p = 0; p < partitions_; ++p) {
            welcome.partitions.push_back({Partition{p}, Uuid{}, Epoch{1}, Offset{}});
        }
        welcome.credit_bytes = 1 << 20;
        welcome.credit_requests = credit;
        welcome.heartbeat_ms = 1000;
        welcome.expiry_ms = 5000;
        receive(welcome);
    }
    void receive(msg::FromNode message, std::vector<Body> bodies = {}) {
        session_.received({std::move(message), std::move(bodies)}, now_);
        take();
    }
    // How an ephemeral event went that is published now; nullopt while that is open.
    std::shared_ptr<std::optional<Result<Answer>>> publish() {
        auto outcome = std::make_shared<std::optional<Result<Answer>>>();
        session_.request({msg::PublishEphemeral{}, nullptr, now_ + 10s,
                          [outcome](Result<Answer> answer) { *outcome = std::move(answer); }});
        take();
        return outcome;
    }
    // The id of the last of them that was sent.
    std::optional<std::uint64_t> published() {
        std::optional<std::uint64_t> id;
        for (const msg::FromClient& message : messages()) {
            if (const auto* publish = std::get_if<msg::PublishEphemeral>(&message)) {
                id = publish->id;
            }
        }
        return id;
    }
    int append(std::uint16_t partition = 0, std::size_t bytes = 7) {
        auto sequenced = std::make_unique<Sequenced>();
        sequenced->request.assign(bytes, 'x');
        return submit(std::move(sequenced), partition);
    }
    int change() {
        auto sequenced = std::make_unique<Sequenced>();
        sequenced->lifecycle =
            std::make_unique<const Lifecycle>(Lifecycle{"s", Expected::any(), DeleteStream{true}});
        return submit(std::move(sequenced), 0);
    }
    int submit(std::unique_ptr<Sequenced> sequenced, std::uint16_t partition) {
        const int call = calls_++;
        sequenced->partition = Partition{partition};
        sequenced->deadline = now_ + 10s;
        sequenced->members.emplace_back([this, call](const Result<Receipt>& result) {
            ++resolved_[call];
            if (!result) {
                errors_[call] = result.error().code;
                messages_of_[call] = result.error().message;
            }
        });
        session_.submit(std::move(sequenced));
        take();
        return call;
    }
    void receipts(std::uint64_t first, std::uint32_t count, std::uint16_t partition = 0) {
        msg::ReceiptRange range;
        range.first_id = first;
        range.count = count;
        range.partition = Partition{partition};
        range.offset_step = 1;
        range.records = 1;
        receive(msg::Receipts{{range}});
    }
    void reject(std::uint64_t id, Errc code) {
        receive(msg::Rejected{id, Partition{}, Error(code, "refused")});
    }
    void lose() {
        session_.lost(now_);
        take();
    }
    void pass(Monotonic time) {
        now_ += time;
        session_.tick(now_);
        take();
    }
    // Until it connects again.
    void reconnect() {
        for (int i = 0; i < 100 && !connected_; ++i) {
            pass(50ms);
        }
        REQUIRE(connected_);
    }
    void close() {
        session_.close();
        take();
    }

    int resolved(int call) { return resolved_[call]; }
    std::optional<Errc> error(int call) {
        const auto it = errors_.find(call);
        return it == errors_.end() ? std::nullopt : std::optional(it->second);
    }
    const std::string& message(int call) { return messages_of_[call]; }
    std::vector<SequencedSend> sent() { return std::exchange(sent_, {}); }
    std::vector<msg::FromClient> messages() { return std::exchange(messages_, {}); }
    std::vector<Told> told() { return std::exchange(told_, {}); }
    Session& session() { return session_; }
    int calls() const { return calls_; }
    Monotonic now() const { return now_; }
    void take() {
        Effects& effects = session_.effects();
        if (effects.disconnect) {
            connected_ = false;
        }
        if (effects.connect) {
            connected_ = true;
            servers_.push_back(*effects.connect);
        }
        sent_.insert(sent_.end(), effects.sequenced.begin(), effects.sequenced.end());
        for (Effects::Send& send : effects.sends) {
            messages_.push_back(std::move(send.message));
        }
        for (Told& told : effects.told) {
            told_.push_back(std::move(told));
        }
        std::vector<Resolved> resolved = std::move(effects.resolved);
        std::move(effects.resolved_at_once.begin(), effects.resolved_at_once.end(),
                  std::back_inserter(resolved));
        std::vector<std::function<void()>> calls = std::move(effects.calls);
        effects.clear();
        for (Resolved& r : resolved) {
            r.finish();
        }
        for (const auto& call : calls) {
            call();
        }
    }
    std::vector<std::size_t> servers_;
    bool connected_ = false;

  private:
    static SessionOptions options(std::size_t servers) {
        SessionOptions options;
        for (std::size_t i = 0; i < servers; ++i) {
            options.servers.push_back(fmt::format("tcp://node-{}:7400", i));
        }
        options.producer.bytes[0] = 1;
        return options;
    }
    std::uint16_t partitions_;
    Monotonic now_{1s};
    Session session_;
    int calls_ = 0;
    std::map<int, int> resolved_;
    std::map<int, Errc> errors_;
    std::map<int, std::string> messages_of_;
    std::vector<SequencedSend> sent_;
    std::vector<msg::FromClient> messages_;
    std::vector<Told> told_;
};

}  // namespace skald::client
