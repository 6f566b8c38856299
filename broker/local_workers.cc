#include "broker/local_workers.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "wire/service_call.h"

namespace skald::broker {

namespace msg = wire::msg;

// Where the requests of one worker go.
struct LocalWorkers::Place {
    std::shared_ptr<WorkQueue> queue;
    std::shared_ptr<const ServiceHandler> handler;
    std::shared_ptr<wire::BriefAnswers> brief;
    std::shared_ptr<const DeferredHandler> later;  // instead of the others
};

struct End {
    std::uint64_t worker = 0;
};
struct Answered {
    std::uint64_t number = 0;
    Result<Frame> reply;
};

namespace {

Result<Frame> framed(Result<std::string> reply) {
    return reply ? Result<Frame>(std::make_shared<const std::string>(std::move(*reply)))
                 : reply.error();
}

}  // namespace

// Bounded by the servings there are, and by the requests they take at one time.
struct LocalWorkers::Inbox {
    struct Begin {
        msg::Serve serve;
        Place place;
        std::promise<Result<void>> done;
    };
    explicit Inbox(std::function<void()> wake_node) : wake(std::move(wake_node)) {}

    // False when the node is no more.
    template <typename T>
    bool put(std::vector<T>& list, T&& said) {
        {
            const std::lock_guard lock(mutex);
            if (closed) {
                return false;
            }
            list.push_back(std::forward<T>(said));
        }
        wake();
        return true;
    }

    std::mutex mutex;
    std::vector<Begin> begun;  // guarded by mutex, like the next three
    std::vector<End> ended;
    std::vector<Answered> answers;
    bool closed = false;
    const std::function<void()> wake;       // called while it is not closed
    std::map<std::uint64_t, Place> places;  // of the node's thread
    std::atomic<std::uint64_t> next{1};
};

class LocalWorkers::Worker final : public Serving {
  public:
    Worker(std::shared_ptr<Inbox> inbox, BriefHandler brief, std::unique_ptr<WorkerThreads> threads)
        : inbox_(std::move(inbox)),
          brief_(std::make_shared<wire::BriefAnswers>(std::move(brief))),
          threads_(std::move(threads)) {}
    ~Worker() override {
        brief_->close();
        if (id_ != 0) {
            (void)inbox_->put(inbox_->ended, End{id_});
        }
    }

    Result<void> begin(msg::Serve serve, ServiceHandler handler) {
        return begin(std::move(serve),
                     {threads_->queue(), std::make_shared<const ServiceHandler>(std::move(handler)),
                      brief_, nullptr});
    }

    Result<void> begin(msg::Serve serve, Place place) {
        serve.id = inbox_->next++;
        const std::uint64_t id = serve.id;
        Inbox::Begin begin{std::move(serve), std::move(place), {}};
        std::future<Result<void>> done = begin.done.get_future();
        if (!inbox_->put(inbox_->begun, std::move(begin))) {
            return Error(Errc::shutting_down, "the node has ended");
        }
        auto ok = done.get();
        id_ = ok ? id : 0;
        return ok;
    }

  private:
    const std::shared_ptr<Inbox> inbox_;
    const std::shared_ptr<wire::BriefAnswers> brief_;
    std::uint64_t id_ = 0;
    std::unique_ptr<WorkerThreads> threads_;
};

LocalWorkers::LocalWorkers(const Clock& clock, std::function<void()> wake)
    : inbox_(std::make_shared<Inbox>(std::move(wake))), clock_(clock) {}

LocalWorkers::~LocalWorkers() {
    close();
}

Result<std::unique_ptr<Serving>> LocalWorkers::serve(std::string_view name, ServiceHandler handler,
                                                     const ServeOptions& options) {
    if (auto ok = wire::check_serve_options(options); !ok) {
        return ok.error();
    }
    auto threads = WorkerThreads::start(options.threads);
    if (!threads) {
        return threads.error();
    }
    auto worker = std::make_unique<Worker>(inbox_, options.brief, std::move(*threads));
    auto ok =
        worker->begin({0, std::string(name), options.balance, options.weight, options.threads},
                      std::move(handler));
    return ok ? Result<std::unique_ptr<Serving>>(std::move(worker)) : ok.error();
}

Result<std::unique_ptr<Serving>> LocalWorkers::serve_later(std::string_view name,
                                                           std::uint32_t capacity,
                                                           DeferredHandler handler) {
    auto worker = std::make_unique<Worker>(inbox_, nullptr, nullptr);
    auto ok = worker->begin(msg::Serve{0, std::string(name), Balance::round_robin, 1, capacity},
                            Place{nullptr, nullptr, nullptr,
                                  std::make_shared<const DeferredHandler>(std::move(handler))});
    return ok ? Result<std::unique_ptr<Serving>>(std::move(worker)) : ok.error();
}

void LocalWorkers::hand_on(Router& router, Effects& effects) {
    const Monotonic now = clock_.monotonic();
    std::vector<Inbox::Begin> begun;
    std::vector<End> ended;
    std::vector<Answered> answers;
    {
        const std::lock_guard lock(inbox_->mutex);
        begun.swap(inbox_->begun);
        ended.swap(inbox_->ended);
        answers.swap(inbox_->answers);
    }
    for (Answered& answer : answers) {
        router.respond_here(answer.number, std::move(answer.reply), now, effects);
    }
    for (Inbox::Begin& begin : begun) {
        inbox_->places[begin.serve.id] = std::move(begin.place);
        auto ok = router.serve_here(begin.serve, now, effects);
        if (!ok) {
            inbox_->places.erase(begin.serve.id);
        }
        begin.done.set_value(std::move(ok));
    }
    for (const End& end : ended) {
        inbox_->places.erase(end.worker);
        router.unserve_here(end.worker, now, effects);
    }
}

void LocalWorkers::call(const std::vector<LocalCall>& calls, std::size_t& brief, Router& router,
                        Effects& effects) {
    for (const LocalCall& call : calls) {
        const auto found = inbox_->places.find(call.worker);
        if (found == inbox_->places.end()) {
            continue;
        }
        const Place& place = found->second;
        if (place.later) {
            (*place.later)(
                {call.payload,
                 [inbox = inbox_, number = call.number](Result<Frame> reply) {
                     (void)inbox->put(inbox->answers, Answered{number, std::move(reply)});
                 },
                 call.left});
            continue;
        }
        const Monotonic now = clock_.monotonic();
        if (brief != 0) {
            --brief;
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(call.left);
            if (auto reply = place.brief->ask({*call.payload, left})) {
                router.respond_here(call.number, framed(std::move(*reply)), now, effects);
                continue;
            }
        }
        const Monotonic deadline = now + call.left;
        place.queue->add(
            [inbox = inbox_, clock = &clock_, call, deadline, handler = place.handler] {
                const auto left = std::chrono::ceil<std::chrono::milliseconds>(
                    std::max(deadline - clock->monotonic(), Monotonic{}));
                auto reply = framed(wire::carry_out(*handler, {*call.payload, left}));
                (void)inbox->put(inbox->answers, Answered{call.number, std::move(reply)});
            });
    }
}

void LocalWorkers::close() {
    std::vector<Inbox::Begin> begun;
    {
        const std::lock_guard lock(inbox_->mutex);
        inbox_->closed = true;
        begun.swap(inbox_->begun);
    }
    for (Inbox::Begin& begin : begun) {
        begin.done.set_value(Error(Errc::shutting_down, "the node is going down"));
    }
}

}  // namespace skald::broker
