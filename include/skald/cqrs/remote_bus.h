// A bus over services: what one program handles, others send and ask (skald/services.h).
//
//     auto serving = serve_bus(services, "bank", bus, {.threads = 4});      // here
//
//     RemoteBus bank(services, "bank");                                     // and elsewhere
//     auto done = bank.send(Withdraw{"ann", 500}, {.command_id = request_id});
//     auto balance = bank.ask(BalanceOf{"ann"});
//
// Messages and replies travel as JSON. Errors besides those of Bus and of Services::request:
// malformed when what comes is no message, or no reply to this one. outcome_unknown says that a
// worker may have carried the message out: a command with an id may be sent again, and gives the
// first receipt; a query too.
//
// SendOptions::sender is what the other side says it is: who may send at all, the node decides by
// key.
//
// Threads: any.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "skald/cqrs/bus.h"
#include "skald/services.h"

namespace skald::cqrs {

// A message on its way. Of the same version on both sides.
struct MessageEnvelope {
    std::string name;
    std::uint32_t schema_version = 0;
    std::string data;
    SendOptions options;
    static Description<MessageEnvelope> describe();
};

// `bus` outlives the Serving. Errors: those of Services::serve.
Result<std::unique_ptr<Serving>> serve_bus(ServiceHost& host, std::string_view name, const Bus& bus,
                                           const ServeOptions& options = {});

namespace detail {
Result<std::string> envelope_of(const std::string& name, std::uint32_t schema_version,
                                Result<std::string> data, const SendOptions& options);
}  // namespace detail

// A message and the reply to it as they travel.
template <AnyMessage M>
Result<std::string> request_of(const M& message, const SendOptions& options = {}) {
    const Description<M>& description = description_of<M>();
    return detail::envelope_of(description.name(), description.version(),
                               description.encode(message), options);
}
template <AnyMessage M>
Result<ReplyTo<M>> reply_of(std::string_view text) {
    ReplyTo<M> reply{};
    if (auto ok = decode_value(text, reply); !ok) {
        return naming("reply to " + description_of<M>().name(), ok.error());
    }
    return reply;
}

// The query in a request, when it is one of this kind.
template <QueryMessage M>
std::optional<M> query_in(std::string_view request) {
    MessageEnvelope envelope;
    const Description<M>& description = description_of<M>();
    M query{};
    const bool found = decode_value(request, envelope) && envelope.name == description.name() &&
                       description.decode(envelope.schema_version, envelope.data, query);
    return found ? std::optional(std::move(query)) : std::nullopt;
}

class RemoteBus {
  public:
    // `services` outlives it. `time`: of each message, up to 10 minutes.
    RemoteBus(Services& services, std::string name,
              std::chrono::milliseconds time = std::chrono::seconds(10))
        : services_(services), name_(std::move(name)), time_(time) {}

    template <CommandMessage M>
    Result<Done<typename M::Rejection>> send(const M& command,
                                             const SendOptions& options = {}) const {
        return carry(command, options);
    }
    template <QueryMessage M>
    Result<typename M::Reply> ask(const M& query, const SendOptions& options = {}) const {
        return carry(query, options);
    }

  private:
    template <typename M>
    Result<ReplyTo<M>> carry(const M& value, const SendOptions& options) const {
        auto request = request_of(value, options);
        auto text = request ? services_.request(name_, std::move(*request), time_)
                            : Result<std::string>(request.error());
        return text ? reply_of<M>(*text) : text.error();
    }

    Services& services_;
    const std::string name_;
    const std::chrono::milliseconds time_;
};

}  // namespace skald::cqrs
