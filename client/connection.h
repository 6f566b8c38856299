// A client's agent once the node has welcomed it.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "client/agent.h"
#include "skald/client.h"

namespace skald::client {

Error not_the_answer();

// Thread safe.
class Connection {
  public:
    // Waits for the node's welcome. Errors as connect() of skald/client.h.
    static Result<std::unique_ptr<Connection>> open(const ClientOptions& options);

    // The same to a node that hands out its log: else unsupported_version.
    static Result<std::unique_ptr<Connection>> open_for_logs(const ClientOptions& options);

    Agent& agent() { return agent_; }
    const wire::msg::Welcome& welcome() const { return welcome_; }  // the first one
    // A Rejected comes back as its error.
    Result<Answer> ask(wire::msg::FromClient message,
                       std::shared_ptr<const std::string> body = nullptr) {
        return agent_.ask(std::move(message), std::move(body));
    }

    // What `pick` makes of an answer of the kind that it takes.
    template <typename Wanted, typename Pick>
    auto answer_to(wire::msg::FromClient message, Pick pick,
                   std::shared_ptr<const std::string> body = nullptr)
        -> Result<std::decay_t<decltype(pick(std::declval<Wanted&>()))>> {
        auto answer = ask(std::move(message), std::move(body));
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
    explicit Connection(Agent::Options options) : agent_(std::move(options)) {}

    wire::msg::Welcome welcome_;
    Agent agent_;
};

}  // namespace skald::client
