#include <fmt/format.h>

#include <array>
#include <thread>

#include "base/argument_checks.h"
#include "base/glob.h"
#include "client/append_source.h"
#include "client/connection.h"
#include "client/decode.h"
#include "skald/client.h"
#include "wire/batch.h"

namespace skald {
namespace client {
namespace {

namespace msg = wire::msg;

constexpr std::size_t kSources = 4;  // so that threads that append do not wait for each other

Error no_ephemeral() {
    return {Errc::unsupported_version, "the node does not know ephemeral events"};
}

Error producer_named() {
    return {Errc::invalid_argument, "the client is the producer: set none"};
}

class RemoteSubscription final : public Subscription {
  public:
    RemoteSubscription(Agent& agent, SubscriptionId id, std::shared_ptr<HandlerSlot> slot)
        : agent_(agent), id_(id), slot_(std::move(slot)) {}
    ~RemoteSubscription() override { unsubscribe(); }
    void unsubscribe() override {
        if (!done_.exchange(true)) {
            agent_.unsubscribe(id_);
        }
        slot_->close();
    }

  private:
    Agent& agent_;
    SubscriptionId id_;
    std::shared_ptr<HandlerSlot> slot_;
    std::atomic<bool> done_{false};
};

class RemoteStore final : public EventStore {
  public:
    explicit RemoteStore(std::unique_ptr<Connection> connection)
        : partitions_(std::max<std::uint16_t>(connection->welcome().partition_count, 1)),
          ephemeral_((connection->welcome().features & msg::kFeatureEphemeral) != 0),
          connection_(std::move(connection)),
          agent_(connection_->agent()) {}

    Result<Receipt> append(const Append& request) override {
        auto call = encode(request);
        if (!call) {
            return call.error();
        }
        return agent_.settle(std::move(*call));
    }

    void append_async(const Append& request, AppendCallback done) override {
        if (request.producer) {
            done(producer_named());
            return;
        }
        source().append(request, partition_of(request), std::move(done), agent_,
                        agent_.spare_calls());
    }

    Result<Uuid> publish_ephemeral(std::string_view stream, NewEvent event) override {
        if (!ephemeral_) {
            return no_ephemeral();
        }
        Append request = Append::one(std::string(stream), std::move(event));
        auto call = encode(request);
        if (!call) {
            return call.error();
        }
        return connection_->answer_to<msg::Done>(
            msg::PublishEphemeral{},
            [&call](msg::Done&) { return (*call)->members.front().last_id; },
            std::make_shared<const std::string>(std::move((*call)->request)));
    }

    Result<Page> read(const Read& request) override {
        auto answer = connection_->ask(msg::Read{0, request});
        if (!answer) {
            return answer.error();
        }
        auto* head = std::get_if<msg::Page>(&answer->message);
        if (head == nullptr || head->chunks.size() != answer->bodies.size()) {
            return not_the_answer();
        }
        Page page;
        for (std::size_t i = 0; i < head->chunks.size(); ++i) {
            auto ok = decode_body(answer->bodies[i].bytes, head->chunks[i].partition,
                                  request.backward, page.events);
            if (!ok) {
                return ok.error();
            }
        }
        page.memory = std::make_shared<std::vector<Body>>(std::move(answer->bodies));
        page.next = std::move(head->next);
        page.resume = std::move(head->resume);
        page.end = head->end;
        return page;
    }

    Result<std::unique_ptr<Subscription>> subscribe(const Subscribe& request,
                                                    SubscriptionHandler& handler) override {
        if (auto ok = check_credit(request); !ok) {
            return ok.error();
        }
        if (request.ephemeral && !ephemeral_) {
            return no_ephemeral();
        }
        auto slot = std::make_shared<HandlerSlot>(handler);
        auto begun = agent_.subscribe(request, [this, slot](const Begun& at) {
            slot->begin(at.position);
            agent_.dispatcher().add(at.id, slot);
        });
        if (!begun) {
            return begun.error();
        }
        return std::unique_ptr<Subscription>(
            std::make_unique<RemoteSubscription>(agent_, begun->id, std::move(slot)));
    }

    Result<StreamInfo> stream_info(std::string_view stream) override {
        return connection_->answer_to<msg::StreamAnswer>(
            msg::GetStream{0, std::string(stream)},
            [](msg::StreamAnswer& a) { return std::move(a.info); });
    }

    Result<StreamList> list_streams(std::string_view glob, std::string_view after,
                                    std::uint32_t limit) override {
        return connection_->answer_to<msg::StreamListAnswer>(
            msg::ListStreams{0, std::string(glob), std::string(after), limit},
            [](msg::StreamListAnswer& a) { return std::move(a.list); });
    }

    Result<Receipt> change_stream(const Lifecycle& request) override {
        if (auto ok = check_stream_name(request.stream); !ok) {
            return ok.error();
        }
        // On the wire a limit of 0 is one that is not set: the node would take it for that.
        if (const auto* set = std::get_if<SetLimits>(&request.change)) {
            if (auto ok = check_limits(set->limits); !ok) {
                return ok.error();
            }
        }
        auto call = std::make_unique<Sequenced>();
        call->lifecycle = std::make_unique<const Lifecycle>(request);
        call->stream = request.stream;
        call->partition = partition_of(request.stream);
        call->room = request.stream.size();
        call->members.emplace_back();
        return agent_.settle(std::move(call));
    }

    Result<std::optional<Snapshot>> get_snapshot(std::string_view stream) override {
        auto answer = connection_->ask(msg::GetSnapshot{0, std::string(stream)});
        if (!answer) {
            return answer.error();
        }
        const auto* head = std::get_if<msg::SnapshotAnswer>(&answer->message);
        if (head == nullptr || (head->found && answer->bodies.size() != 1)) {
            return not_the_answer();
        }
        if (!head->found) {
            return std::optional<Snapshot>();
        }
        return std::optional<Snapshot>(Snapshot{head->version, head->fingerprint,
                                                std::string(as_text(answer->bodies[0].bytes))});
    }

    Result<void> put_snapshot(std::string_view stream, const Snapshot& snapshot) override {
        if (auto ok = check_snapshot(stream, snapshot); !ok) {
            return ok.error();
        }
        auto answer = connection_->ask(
            msg::PutSnapshot{0, std::string(stream), snapshot.version, snapshot.fingerprint},
            std::make_shared<const std::string>(snapshot.bytes));
        if (!answer) {
            return answer.error();
        }
        return {};
    }

    Result<Position> position() override {
        return connection_->answer_to<msg::PositionAnswer>(
            msg::GetPosition{}, [](msg::PositionAnswer& a) { return std::move(a.position); });
    }

  private:
    Partition partition_of(std::string_view stream) const {
        if (partitions_ == 1) {
            return Partition{};
        }
        const std::uint64_t hash = wire::name_hash(partition_key_of(stream));
        return Partition{static_cast<std::uint16_t>(hash % partitions_)};
    }
    // Of the first stream; the node looks at the others.
    Partition partition_of(const Append& request) const {
        return request.streams.empty() ? Partition{} : partition_of(request.streams[0].stream);
    }

    // Always the same for one thread.
    AppendSource& source() {
        return sources_[std::hash<std::thread::id>()(std::this_thread::get_id()) % kSources];
    }

    Result<std::unique_ptr<Sequenced>> encode(const Append& request) {
        if (request.producer) {
            return producer_named();
        }
        return source().encode(request, partition_of(request), agent_.spare_calls());
    }

    std::array<AppendSource, kSources> sources_;
    const std::uint16_t partitions_;
    const bool ephemeral_;  // the node has them
    const std::unique_ptr<Connection> connection_;
    Agent& agent_;
};

}  // namespace
}  // namespace client

Result<std::unique_ptr<EventStore>> connect(const ClientOptions& options) {
    auto connection = client::Connection::open(options);
    if (!connection) {
        return connection.error();
    }
    return std::unique_ptr<EventStore>(
        std::make_unique<client::RemoteStore>(std::move(*connection)));
}

}  // namespace skald
