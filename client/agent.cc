#include "client/agent.h"

#include <algorithm>

#include "base/limits.h"

namespace skald::client {
namespace {

int milliseconds_until(Monotonic now, Monotonic then) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(then - now).count();
    return static_cast<int>(std::clamp<std::int64_t>(ms + 1, 0, 1000));
}

// Answers taken before calls are looked at again.
constexpr int kAnswersAtOnce = 256;
// How long the loop is left to callers who may come: what arrives unasked waits so long at most.
constexpr auto kLinger = std::chrono::milliseconds(1);

}  // namespace

Agent::Agent(Options options)
    : options_(std::move(options)),
      session_(options_.session),
      dispatcher_({[this](std::vector<Consumed> consumed) {
                       for (const Consumed& used : consumed) {
                           (void)push(used);
                       }
                   },
                   [this](std::size_t appends, std::size_t room) { give_room(appends, room); },
                   [this](std::span<Resolved> finished) { spare_calls_.give(finished); }}) {
    thread_ = std::thread([this] { run(); });
}

Agent::~Agent() {
    stop_ = true;
    {
        const std::lock_guard lock(mutex_);
        wake_loop();
    }
    thread_.join();
}

void Agent::take(Plain& plain) {
    session_.request(std::move(plain));
}

void Agent::take(NewSubscription& subscription) {
    session_.subscribe(std::move(subscription));
}

void Agent::take(Consumed& used) {
    session_.consumed(used.subscription, used.events, used.bytes);
    if (used.ended) {
        session_.unsubscribe(used.subscription);
    }
}

void Agent::take(ServiceCall& call) {
    session_.call(std::move(call));
}

void Agent::take(NewWorker& worker) {
    session_.serve(std::move(worker));
}

void Agent::take(Response& response) {
    session_.respond(std::move(response));
}

void Agent::take(EndWorker& end) {
    session_.unserve(end.worker);
}

bool Agent::take_inputs() {
    {
        const std::lock_guard lock(mutex_);
        std::swap(taken_, inbox_);
    }
    const Monotonic deadline = now() + options_.timeout;
    for (Submitted& submitted : taken_.calls) {
        if (submitted.open != nullptr) {
            submitted.open->close(*submitted.call, group_memory_);
        }
        submitted.call->deadline = deadline;
        session_.submit(std::move(submitted.call));
    }
    for (Input& input : taken_.others) {
        std::visit([this](auto& one) { take(one); }, input);
    }
    const bool some = !taken_.empty();
    taken_.clear();
    return some;
}

bool Agent::take_answers() {
    if (!socket_) {
        return false;
    }
    const Monotonic time = now();
    Answer answer;
    int taken = 0;
    for (; taken < kAnswersAtOnce; ++taken) {
        const auto received = socket_->receive(answer);
        if (received == DealerSocket::Received::nothing) {
            break;
        }
        if (received == DealerSocket::Received::malformed) {
            session_.broken(time, "a message of the node cannot be read");
            return true;
        }
        session_.received(std::move(answer), time);
        answer = Answer{};
        if (session_.effects().disconnect) {
            return true;
        }
        // What is to be sent points into the session, which the next answer may change.
        send_out();
    }
    if (taken != 0) {
        return true;
    }
    if (const auto why = socket_->broken()) {
        session_.lost(time, *why);
    }
    return false;
}

void Agent::send_out() {
    Effects& effects = session_.effects();
    if (socket_) {
        for (const Effects::Send& send : effects.sends) {
            socket_->send(send);
        }
        socket_->send(effects.sequenced);
    }
    effects.sends.clear();
    effects.sequenced.clear();
}

// A caller that blocks is woken from here: it need not wait for the dispatcher.
void Agent::resolve_at_once() {
    std::vector<Resolved>& resolved = session_.effects().resolved_at_once;
    for (Resolved& r : resolved) {
        resolved_waiting_ = true;
        give_room(r.appends(), r.call->room);
        r.finish();
    }
    spare_calls_.give(resolved);
}

void Agent::apply() {
    Effects& effects = session_.effects();
    if (effects.disconnect) {
        socket_.reset();
    }
    std::optional<Error> failed;
    if (effects.connect) {
        auto socket =
            DealerSocket::connect(options_.session.servers[*effects.connect], options_.curve);
        if (socket) {
            socket_ = std::move(*socket);
        } else {
            failed = socket.error();
        }
    }
    send_out();
    resolve_at_once();
    // A new subscription is known to the dispatcher before anything is told to it.
    for (const auto& call : effects.calls) {
        resolved_waiting_ = true;
        call();
    }
    dispatcher_.post(effects.resolved, effects.told);
    effects.clear();
    if (failed) {
        session_.lost(now(), *failed);
    }
    announce();
}

// Tells await_welcome() once.
void Agent::announce() {
    if (announced_ || session_.standing() == Standing::trying) {
        return;
    }
    announced_ = true;
    const std::lock_guard lock(mutex_);
    if (session_.standing() == Standing::ready) {
        welcome_.emplace(session_.welcome());
    } else {
        welcome_.emplace(session_.failure());
    }
    room_.notify_all();
}

void Agent::turn() {
    const Monotonic time = now();
    const int timeout = milliseconds_until(time, session_.next_tick(time));
    if (busy_) {
        // Looks at the socket and the inbox again first: waiting costs system calls.
    } else if (socket_) {
        wire::poll_sockets(socket_->socket(), &socket_->monitor(), waker_, timeout);
    } else {
        wire::poll_waker(waker_, timeout);
    }
    resolved_waiting_ = false;
    busy_ = take_inputs();
    apply();
    busy_ = take_answers() || busy_;
    apply();
    session_.tick(now());
    apply();
}

// Nothing is open, and nothing can come that was not asked for.
bool Agent::quiet() const {
    return socket_ != nullptr && session_.quiet();
}

// Leaves the loop to callers as long as they come, and takes it back.
void Agent::linger(std::unique_lock<std::mutex>& lock) {
    loop_free_ = true;
    wanted_ = driven_ = false;
    do {
        driven_ = false;
        loop_.wait_for(lock, kLinger, [this] { return wanted_; });
    } while (driven_ && !wanted_);
    wanted_ = true;
    loop_.wait(lock, [this] { return loop_free_; });
    loop_free_ = false;
    busy_ = true;
}

void Agent::run() {
    session_.start(now());
    apply();
    std::unique_lock lock(mutex_, std::defer_lock);
    while (!stop_) {
        turn();
        const bool lingers = resolved_waiting_ && quiet();
        lock.lock();
        if (lingers && inbox_.empty() && open_appends_ == 0 && !stop_) {
            linger(lock);
        }
        lock.unlock();
    }
    lock.lock();
    closed_ = true;
    lock.unlock();
    take_inputs();
    session_.close();
    apply();
    socket_.reset();
}

}  // namespace skald::client
