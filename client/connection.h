// A client's agent, and how callers wait for what it brings.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <type_traits>
#include <utility>

#include "client/agent.h"
#include "skald/client.h"

namespace skald::client {

// A one-shot answer between the socket's thread and a caller that waits.
template <typename T>
class Waiter {
  public:
    std::function<void(Result<T>)> callback() {
        return [promise = promise_](Result<T> result) { promise->set_value(std::move(result)); };
    }
    Result<T> wait() { return promise_->get_future().get(); }

  private:
    std::shared_ptr<std::promise<Result<T>>> promise_ = std::make_shared<std::promise<Result<T>>>();
};

Error not_the_answer();
Uuid random_uuid();

// Thread safe.
class Connection {
  public:
    // Waits for the node's welcome. Errors as connect() of skald/client.h.
    static Result<std::unique_ptr<Connection>> open(const ClientOptions& options);

    // The same to a node that hands out its log: else unsupported_version.
    static Result<std::unique_ptr<Connection>> open_for_logs(const ClientOptions& options);

    Agent& agent() { return agent_; }
    const wire::msg::Welcome& welcome() const { return welcome_; }  // the first one
    // When a call that begins now must have its answer.
    Monotonic deadline() const { return agent_.now() + timeout_; }

    // Sends it on its way; at most once for a waiter.
    void ask(wire::msg::FromClient message, std::shared_ptr<const std::string> body,
             Waiter<Answer>& waiter);
    // A Rejected comes back as its error.
    static Result<Answer> await(Waiter<Answer>& waiter);
    Result<Answer> ask(wire::msg::FromClient message,
                       std::shared_ptr<const std::string> body = nullptr);

    // What `pick` makes of an answer of the kind that it takes.
    template <typename Wanted, typename Pick>
    auto answer_to(wire::msg::FromClient message, Pick pick)
        -> Result<std::decay_t<decltype(pick(std::declval<Wanted&>()))>> {
        auto answer = ask(std::move(message));
        if (!answer) {
            return answer.error();
        }
        auto* wanted = std::get_if<Wanted>(&answer->message);
        if (wanted == nullptr) {
            return not_the_answer();
        }
        return pick(*wanted);
    }

  private:
    Connection(Agent::Options options, std::chrono::milliseconds timeout)
        : timeout_(timeout), agent_(std::move(options)) {}

    std::chrono::milliseconds timeout_;
    wire::msg::Welcome welcome_;
    Agent agent_;
};

}  // namespace skald::client
