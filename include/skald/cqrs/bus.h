// Commands and queries on their way to whoever carries them out.
//
//     struct Withdraw {                              // a described struct; says what may be
//     refused
//         using Rejection = std::variant<NotOpen, Overdrawn>;
//         ...
//     };
//     struct BalanceOf {                             // or what is answered
//         using Reply = Balance;
//         ...
//     };
//
//     Bus bus;
//     bus.use(measure(meter));
//     bus.use(validate<Withdraw>([](const Withdraw& command) -> Result<void> { ... }));
//     bus.handle<Withdraw>([&](const Withdraw& command, const SendOptions& options) {
//         return done_of(accounts.execute(command.account, command, execute(options)));
//     });
//     bus.answer<BalanceOf>([&](const BalanceOf& query) -> Result<Balance> { ... });
//
//     Result<Done<Withdraw>> done = bus.send(Withdraw{"ann", 500}, {.command_id = request_id});
//     Result<Balance> balance = bus.ask(BalanceOf{"ann"});
//
// A handler is found by the name of the message's description. What is refused by the rules is a
// value (Done::rejection); what went wrong is an error. A command id is handed to the handler, and
// a repository makes a repeat give the first receipt.
//
// Errors besides those of handlers and middleware: not_found for a message that nobody handles,
// with the names that are known; handler_failed when a handler or middleware throws.
//
// Threads: use(), handle() and answer() before the first message, from one thread; then any number
// may send and ask. Handlers and middleware run on the caller's thread.
#pragma once

#include <any>
#include <concepts>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "skald/cqrs/describe.h"
#include "skald/cqrs/done.h"
#include "skald/cqrs/repository.h"
#include "skald/result.h"

namespace skald::cqrs {

// About one message. What is empty is not said.
struct SendOptions {
    std::string command_id{};  // of commands: see ExecuteOptions
    std::string sender{};      // who asks for it, for middleware that authorises
    std::string correlation_id{};
    std::string causation_id{};
    std::string trace_context{};
    std::uint16_t hop = 0;
};
// The same, for a repository. Rejected is whatever else ExecuteOptions can say: the handler's.
ExecuteOptions execute(const SendOptions& options);

template <typename M>
concept CommandMessage = Described<M> && requires {
    typename M::Rejection;
};
template <typename M>
concept QueryMessage = Described<M> && requires {
    typename M::Reply;
};
template <typename M>
concept AnyMessage = CommandMessage<M> || QueryMessage<M>;

namespace detail {
template <typename M>
struct ReplyTo {
    using Type = Done<typename M::Rejection>;
};
template <QueryMessage M>
struct ReplyTo<M> {
    using Type = typename M::Reply;
};
}  // namespace detail

// What comes back: of a command Done<Rejection>, of a query its Reply.
template <typename M>
using ReplyTo = typename detail::ReplyTo<M>::Type;

// A message as middleware sees it. Valid during the call.
class Message {
  public:
    template <AnyMessage M>
    Message(const M& value, const SendOptions& options)
        : name_(description_of<M>().name()),
          command_(CommandMessage<M>),
          options_(options),
          value_(&value),
          type_(typeid(M)),
          encode_([](const void* at) {
              return description_of<M>().encode(*static_cast<const M*>(at));
          }) {}

    const std::string& name() const { return name_; }
    bool command() const { return command_; }
    const SendOptions& options() const { return options_; }
    // Null when it is of another type.
    template <AnyMessage M>
    const M* as() const {
        return type_ == typeid(M) ? static_cast<const M*>(value_) : nullptr;
    }
    // Its data. invalid_event when a value cannot be written.
    Result<std::string> encode() const { return encode_(value_); }

  private:
    const std::string& name_;
    const bool command_;
    const SendOptions& options_;
    const void* const value_;
    const std::type_info& type_;
    Result<std::string> (*const encode_)(const void*);
};

// What a handler gave, without its type.
struct Reply {
    std::any value;
    bool rejected = false;  // a command was refused by the rules
};
using Next = std::function<Result<Reply>(const Message&)>;
// Passes the message on with `next`, or answers itself. middleware.h has the usual ones.
using Middleware = std::function<Result<Reply>(const Message&, const Next& next)>;

class Bus {
  public:
    // The one used first sees a message first and its reply last.
    void use(Middleware middleware);

    // already_exists when the type has a handler. `handler` takes (const M&) or (const M&, const
    // SendOptions&) and returns Result<ReplyTo<M>>, or what becomes one.
    template <CommandMessage M, typename Handler>
    Result<void> handle(Handler handler) {
        return add(route_of<M>(std::move(handler)));
    }
    template <QueryMessage M, typename Handler>
    Result<void> answer(Handler handler) {
        return add(route_of<M>(std::move(handler)));
    }

    template <CommandMessage M>
    Result<Done<typename M::Rejection>> send(const M& command,
                                             const SendOptions& options = {}) const {
        return carry(command, options);
    }
    template <QueryMessage M>
    Result<typename M::Reply> ask(const M& query, const SendOptions& options = {}) const {
        return carry(query, options);
    }
    // A message as data and its reply as data, for those that come from elsewhere. malformed when
    // the data is not of the message of that name.
    Result<std::string> carry(std::string_view name, std::uint32_t schema_version,
                              std::string_view data, const SendOptions& options) const;

    // Of what has a handler, in order.
    std::vector<std::string> names() const;

  private:
    struct Route {
        std::string name;
        std::function<Result<Reply>(const Message&)> handler;
        // Decodes, hands the message to the function, encodes what comes back.
        std::function<Result<std::string>(std::uint32_t, std::string_view, const SendOptions&,
                                          const Next&)>
            carry_data;
    };

    template <typename M, typename Handler>
    static Route route_of(Handler handler);
    template <typename M>
    Result<ReplyTo<M>> carry(const M& value, const SendOptions& options) const {
        auto reply = dispatch(Message(value, options));
        return reply ? Result<ReplyTo<M>>(std::any_cast<ReplyTo<M>>(std::move(reply->value)))
                     : reply.error();
    }
    Result<void> add(Route route);
    Result<Reply> dispatch(const Message& message) const;
    Result<Reply> pass(std::size_t from, const Message& message) const;
    Error unknown(std::string_view name) const;

    std::vector<Middleware> middleware_;
    std::map<std::string, Route, std::less<>> routes_;
};

template <typename M, typename Handler>
Bus::Route Bus::route_of(Handler handler) {
    static_assert(HasValues<ReplyTo<M>>,
                  "what is answered needs describe(): every alternative of Rejection, or Reply");
    Route route;
    route.name = description_of<M>().name();
    route.handler = [handler = std::move(handler)](const Message& message) -> Result<Reply> {
        const M* value = message.as<M>();
        if (value == nullptr) {
            return Error(Errc::not_found,
                         "the handler of " + message.name() + " takes another type of that name");
        }
        const auto result = [&]() -> Result<ReplyTo<M>> {
            if constexpr (std::invocable<const Handler&, const M&, const SendOptions&>) {
                return handler(*value, message.options());
            } else {
                return handler(*value);
            }
        }();
        if (!result) {
            return result.error();
        }
        Reply reply{*result};
        if constexpr (CommandMessage<M>) {
            reply.rejected = !result->accepted();
        }
        return reply;
    };
    route.carry_data = [](std::uint32_t version, std::string_view data, const SendOptions& options,
                          const Next& next) -> Result<std::string> {
        M value{};
        if (auto ok = description_of<M>().decode(version, data, value); !ok) {
            return naming(description_of<M>().name(), ok.error());
        }
        auto reply = next(Message(value, options));
        if (!reply) {
            return reply.error();
        }
        return encode_value(std::any_cast<const ReplyTo<M>&>(reply->value));
    };
    return route;
}

}  // namespace skald::cqrs
