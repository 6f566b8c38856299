// The durable consumers of a node: declares them, serves them to their members, and gives each its
// turn. A thread of its own, so that they never hold up publishers or subscribers.
//
// Consumers are services (decision 0026): `consumers` for whoever declares and shows them, and
// `consumer/NAME` for the members of each.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "broker/consumers/hosted_consumer.h"
#include "broker/local_workers.h"

namespace skald::broker {

class ConsumerHost final : public store::AppendListener {
  public:
    // All of them outlive it; `workers` must be handed on by the node's thread from the start.
    struct Parts {
        store::Volume& volume;
        const Clock& clock;
        LocalWorkers& workers;
    };
    // Reads what there is, and serves it. Errors: those of reading.
    static Result<std::unique_ptr<ConsumerHost>> start(Parts parts);
    ~ConsumerHost() override;  // waits for what is on its way to the volume

    // As of now; none when the host's thread does not answer within a second. Any other thread.
    std::vector<ConsumerStatus> statuses();

    // Of the volume.
    void on_outcome(std::uint64_t tag, const Result<store::AppendOutcome>& outcome) override;
    void on_commit(const store::CommitTimes& times) override;

  private:
    struct Hosted {
        std::unique_ptr<HostedConsumer> consumer;
        std::unique_ptr<Serving> serving;
        std::optional<Monotonic> due;
        std::optional<Error> fault;  // nothing more is done
    };
    struct Asked {
        std::uint64_t born = 0;  // the consumer; 0: of all
        DeferredRequest request;
    };
    struct Written {
        std::uint64_t tag = 0;
        Result<store::AppendOutcome> outcome;
    };
    // Between threads.
    struct Inbox {
        std::mutex mutex;
        std::condition_variable more;
        std::vector<Asked> asked;  // guarded by mutex, like the rest
        std::vector<Written> written;
        bool news = false;
        bool stop = false;
        bool closed = false;
        std::atomic<bool> listening{false};  // to commits
    };

    explicit ConsumerHost(Parts parts);
    Result<void> load();
    Result<void> serve(std::uint64_t born);
    Result<std::unique_ptr<Serving>> serve_as(const std::string& name, std::uint32_t capacity,
                                              std::uint64_t born);
    void run();
    bool anybody_listens() const;
    void listen();
    void turn();
    std::optional<Monotonic> next_turn() const;
    Consumer::Now moment() const;
    void ask(Asked& asked);
    void ask_all(Bytes payload, ReplyTo& reply);
    Result<wire::ConsumerReply> answer(const wire::ConsumerRequest& request);
    bool defer(const wire::ConsumerRequest& request, ReplyTo& reply);
    void look(Hosted& hosted);
    static void tell(Hosted& hosted, const Written& written);
    void forget_what_left();

    Result<void> create(const ConsumerSettings& settings);
    Result<void> edit(const ConsumerSettings& settings);
    Result<void> check_queue(const ConsumerSettings& settings) const;
    Result<void> pause(const std::string& name, bool paused);
    Result<void> change(const std::string& name,
                        const std::function<Result<void>(wire::CatalogueEntry&)>& apply);
    Result<void> remove(const std::string& name);
    Result<Hosted*> find(const std::string& name);
    Result<void> write(wire::ConsumerCatalogue catalogue);

    Parts parts_;
    const std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
    wire::IdSource ids_;
    // Of the thread.
    wire::ConsumerCatalogue catalogue_;
    std::uint64_t previous_ = 0;
    std::map<std::uint64_t, Hosted> hosted_;   // by birth
    std::map<std::uint64_t, Hosted> leaving_;  // removed, with a record on its way
    std::set<std::uint64_t> touched_;          // have something to do
    bool news_ = false;
    Monotonic quiet_until_{};  // news waits so long
    std::unique_ptr<Serving> serving_;
    std::shared_ptr<void> watch_;
    std::thread thread_;
};

}  // namespace skald::broker
