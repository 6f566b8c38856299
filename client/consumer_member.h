// A member of a durable consumer, over the services of a node.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/worker_threads.h"
#include "client/held_work.h"
#include "client/work_answers.h"
#include "skald/consumers.h"
#include "skald/services.h"
#include "wire/consumer_messages.h"

namespace skald::client {

// Two threads: the link asks the node for events and sends answers; the other one calls the
// handler.
// When the node knows the member no more, or the connection is lost, the link joins again as a new
// member: what was not begun comes again, and what was answered is answered again.
//
// Thread safe.
class ConsumerMember final : public Member {
  public:
    // Errors: those of Consumers::join. `timeout` bounds each call beside what a fetch waits.
    static Result<std::unique_ptr<Member>> join(Services& services, std::string_view consumer,
                                                WorkHandler handler, const MemberOptions& options,
                                                std::chrono::milliseconds timeout);
    // What was not confirmed when the connection is lost comes again.
    ~ConsumerMember() override;
    ConsumerMember(const ConsumerMember&) = delete;
    ConsumerMember& operator=(const ConsumerMember&) = delete;

    Result<void> drain() override;
    std::optional<Error> ended() const override;

  private:
    using Reply = std::optional<Result<std::string>>;  // none yet
    // What the node's answers meet: outlives the member for those that come late.
    struct Desk {
        std::mutex mutex;
        std::condition_variable link;  // waits for replies and answers
    };
    using Call = std::shared_ptr<Reply>;  // guarded by Desk::mutex
    using Lock = std::unique_lock<std::mutex>;

    ConsumerMember(Services& services, std::string_view consumer, WorkHandler handler,
                   const MemberOptions& options, std::chrono::milliseconds timeout);

    // ---- the link's thread
    void run_link();
    void step(Lock& lock);
    void begin_fetch(Lock& lock);
    void begin_answers(Lock& lock);
    Call begin(Lock& lock, wire::MemberRequest request, std::chrono::milliseconds time);
    static std::optional<Result<std::string>> taken(Call& call);
    void take_page(Result<std::string> reply);
    void take_confirmation(const Result<std::string>& reply);
    void lose(const Error& why);
    void end(Error why);
    void rejoin(Lock& lock);
    static Error why_not(Services& services, std::string_view consumer, Error error,
                         std::chrono::milliseconds timeout);
    void joined(const wire::MemberReply& reply);
    void leave(Lock& lock);
    bool over() const;
    bool something_to_do() const;

    // ---- the handler's thread
    void run_handler();
    void handle(Lock& lock, const HeldWork::Piece& piece);
    void extend(std::chrono::milliseconds by);
    WorkAnswer call(const HeldWork::Piece& piece) const;

    void close(bool stop);
    Result<wire::MemberReply> join_first();
    wire::MemberRequest join_request() const;

    Services& services_;
    const std::string consumer_;
    const std::string service_;
    const WorkHandler handler_;
    const std::function<void(std::chrono::milliseconds)> extend_;
    const MemberOptions options_;
    const std::chrono::milliseconds timeout_;
    const std::shared_ptr<Desk> desk_ = std::make_shared<Desk>();

    // All guarded by Desk::mutex.
    std::condition_variable work_;         // the handler's thread waits for events
    std::condition_variable done_;         // whoever closes waits for the threads
    std::optional<std::uint64_t> member_;  // none: not joined
    std::uint64_t membership_ = 0;         // how often it joined
    std::chrono::milliseconds pause_{0};   // before it joins again
    Call fetch_;                           // under way, as the next
    Call answer_;

    HeldWork held_;
    WorkAnswers answers_;
    bool handling_ = false;
    Place handled_;                    // while handling_
    std::uint64_t handled_since_ = 0;  // the membership that got it
    bool closing_ = false;             // takes no more events
    bool stopping_ = false;            // and begins with none
    bool link_over_ = false;
    bool handler_over_ = false;
    std::optional<Error> ended_;
    std::unique_ptr<WorkerThreads> threads_;  // the last: they use the others
};

}  // namespace skald::client
