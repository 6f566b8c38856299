#include "client/remote_consumers.h"

#include "client/consumer_member.h"
#include "wire/consumer_messages.h"

namespace skald {
namespace client {
namespace {

using wire::ConsumerReply;
using wire::ConsumerRequest;
using wire::ConsumerVerb;

class RemoteConsumers final : public Consumers {
  public:
    RemoteConsumers(std::unique_ptr<Services> services, std::chrono::milliseconds timeout)
        : services_(std::move(services)), timeout_(timeout) {}

    Result<void> create(const ConsumerSettings& settings) override {
        return declare(ConsumerVerb::create, settings);
    }
    Result<void> edit(const ConsumerSettings& settings) override {
        return declare(ConsumerVerb::edit, settings);
    }
    Result<void> pause(std::string_view name) override {
        return done(ask(about(ConsumerVerb::pause, name)));
    }
    Result<void> resume(std::string_view name) override {
        return done(ask(about(ConsumerVerb::resume, name)));
    }
    Result<void> remove(std::string_view name) override {
        return done(ask(about(ConsumerVerb::remove, name)));
    }

    Result<std::vector<ConsumerStatus>> list() override {
        auto reply = ask(about(ConsumerVerb::list, {}));
        return reply ? Result<std::vector<ConsumerStatus>>(std::move(reply->consumers))
                     : reply.error();
    }
    Result<ConsumerStatus> show(std::string_view name) override {
        auto reply = ask(about(ConsumerVerb::show, name));
        if (!reply) {
            return reply.error();
        }
        if (reply->consumers.size() != 1) {
            return Error(Errc::malformed, "the node shows no consumer, or several for one name");
        }
        return std::move(reply->consumers.front());
    }

    Result<std::vector<ParkedEvent>> parked(std::string_view name, std::optional<Place> after,
                                            std::uint32_t limit) override {
        ConsumerRequest request = about(ConsumerVerb::parked, name);
        request.place = after;
        request.count = limit;
        auto reply = ask(request);
        return reply ? Result<std::vector<ParkedEvent>>(std::move(reply->parked)) : reply.error();
    }
    Result<std::uint64_t> replay(std::string_view name, std::uint64_t count) override {
        ConsumerRequest request = about(ConsumerVerb::replay, name);
        request.count = count;
        return counted(ask(request));
    }
    Result<std::uint64_t> replay_one(std::string_view name, Place place) override {
        ConsumerRequest request = about(ConsumerVerb::replay_one, name);
        request.place = place;
        return counted(ask(request));
    }
    Result<std::uint64_t> purge(std::string_view name) override {
        return counted(ask(about(ConsumerVerb::purge, name)));
    }

    Result<std::unique_ptr<Member>> join(std::string_view name, WorkHandler handler,
                                         const MemberOptions& options) override {
        return ConsumerMember::join(*services_, name, std::move(handler), options, timeout_);
    }

  private:
    static ConsumerRequest about(ConsumerVerb verb, std::string_view name) {
        ConsumerRequest request;
        request.verb = verb;
        request.name = name;
        return request;
    }
    static Result<void> done(const Result<ConsumerReply>& reply) {
        return reply ? Result<void>() : reply.error();
    }
    static Result<std::uint64_t> counted(const Result<ConsumerReply>& reply) {
        return reply ? Result<std::uint64_t>(reply->count) : reply.error();
    }

    Result<void> declare(ConsumerVerb verb, const ConsumerSettings& settings) {
        if (auto ok = wire::check_settings(settings); !ok) {
            return ok;
        }
        ConsumerRequest request = about(verb, {});
        request.settings = settings;
        return done(ask(request));
    }

    Result<ConsumerReply> ask(const ConsumerRequest& request) {
        const auto reply =
            services_->request(wire::kConsumersService, wire::encode(request), timeout_);
        // A string's bytes are aligned for any type.
        return reply ? wire::decode_consumer_reply(as_bytes(*reply)) : reply.error();
    }

    const std::unique_ptr<Services> services_;
    const std::chrono::milliseconds timeout_;
};

}  // namespace

std::unique_ptr<Consumers> consumers_over(std::unique_ptr<Services> services,
                                          std::chrono::milliseconds timeout) {
    return std::make_unique<RemoteConsumers>(std::move(services), timeout);
}

}  // namespace client

Result<std::unique_ptr<Consumers>> connect_consumers(const ClientOptions& options) {
    auto services = connect_services(options);
    if (!services) {
        return services.error();
    }
    return client::consumers_over(std::move(*services), options.timeout);
}

}  // namespace skald
