#include "broker/agent.h"

#include <malloc.h>

#include <algorithm>

#include "broker/limits.h"

namespace skald::broker {
namespace {

constexpr auto kDrainTimeMax = std::chrono::seconds(5);
constexpr auto kTrimInterval = std::chrono::milliseconds(250);

int until(Monotonic now, Monotonic then) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(then - now).count();
    return static_cast<int>(std::clamp<std::int64_t>(ms + 1, 0, 1000));
}

}  // namespace

Result<void> JobRunner::start() {
    auto thread = WorkerThreads::start(1);
    if (!thread) {
        return thread.error();
    }
    thread_ = std::move(*thread);
    return {};
}

void JobRunner::add(std::vector<Job>& jobs) {
    for (Job& job : jobs) {
        thread_->queue()->add([this, job = std::move(job)] {
            JobAnswer done{job.peer, job.serial, job.bytes, job.run()};
            {
                const std::lock_guard lock(mutex_);
                done_.push_back(std::move(done));
            }
            wake_();
        });
    }
    jobs.clear();
}

std::vector<JobAnswer> JobRunner::take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(done_, {});
}

Agent::Agent(Parts parts)
    : parts_(std::move(parts)),
      waker_(std::make_shared<wire::Waker>()),
      exchange_([this] { waker_->wake(); }),
      inbox_([this] { waker_->wake(); }),
      runner_([this] { waker_->wake(); }),
      workers_(parts_.clock, [waker = waker_] { waker->wake(); }),
      scavenges_(parts_.volume) {}

Result<std::unique_ptr<Agent>> Agent::open(Parts parts) {
    std::unique_ptr<Agent> agent(new Agent(std::move(parts)));
    auto opened = RouterSocket::open(
        agent->parts_.curve, [waker = agent->waker_] { waker->wake(); },
        agent->parts_.limits.send_bytes_queued);
    if (!opened) {
        return opened.error();
    }
    agent->socket_ = std::move(*opened);
    if (auto ok = agent->runner_.start(); !ok) {
        return ok.error();
    }
    agent->router_ = std::make_unique<Router>(
        Router::Parts{agent->parts_.volume, agent->exchange_, agent->parts_.limits,
                      agent->parts_.permissions,
                      [agent = agent.get()](PeerId peer) {
                          return agent->socket_->room(peer, agent->router_->sessions());
                      },
                      agent->scavenges_},
        agent->parts_.clock.monotonic());
    return agent;
}

Agent::~Agent() {
    if (thread_.joinable()) {
        stop();
        thread_.join();
    }
}

void Agent::start() {
    watch_ = parts_.volume.watch([this] {
        if (subscribed_ && !news_.exchange(true)) {
            waker_->wake();
        }
    });
    relay_ = parts_.volume.ephemeral().attach_relay(
        [this](const store::EphemeralEvent& event) { return inbox_.put(event); });
    parts_.volume.queues().allow_waits(true);
    publish(parts_.clock.monotonic());
    thread_ = std::thread([this] { run(); });
}

void Agent::stop() {
    stop_ = true;
    waker_->wake();
}

Result<void> Agent::wait() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return over_; });
    if (failure_) {
        return *failure_;
    }
    return {};
}

NodeStats Agent::stats() const {
    const std::lock_guard lock(mutex_);
    return stats_;
}

void Agent::busy(Stage stage, Monotonic time) {
    busy_ns_[static_cast<std::size_t>(stage)] += time.count();
}

void Agent::run() {
    std::optional<Error> failure;
    bool busy = false;
    while (!stop_ && !failure) {
        const Monotonic now = parts_.clock.monotonic();
        if (!busy) {
            wire::poll_sockets(socket_->socket(), nullptr, *waker_, until(now, next_tick_));
        }
        busy = do_work() != 0 || more_;
        failure = parts_.volume.failure();
    }
    if (!failure) {
        drain();
    }
    watch_.reset();
    relay_.reset();
    workers_.close();
    effects_.clear();
    router_->end_all(effects_);
    send(effects_);
    parts_.volume.queues().allow_waits(false);
    await_outcomes();
    const std::unique_ptr<RouterSocket> closing = std::move(socket_);
    const std::lock_guard lock(mutex_);
    over_ = true;
    failure_ = std::move(failure);
    ended_.notify_all();
}

int Agent::do_work() {
    int done = reply() + receive();
    if (committed_here_) {
        committed_here_ = false;
        done += reply();
    }
    serve();
    const Monotonic now = parts_.clock.monotonic();
    if (now >= next_tick_) {
        tick(now);
    }
    return done;
}

int Agent::receive() {
    RoundTimes times;
    times.arrived = parts_.clock.monotonic();
    socket_->drain(*router_, arrivals_);
    if (arrivals_.empty()) {
        return 0;
    }
    times.drained = parts_.clock.monotonic();
    router_->receive(arrivals_, times, effects_);
    const Monotonic now = parts_.clock.monotonic();
    router_->submitted(now);
    submit();
    busy(Stage::receive, times.drained - times.arrived);
    busy(Stage::decode, now - times.drained);
    const int done = static_cast<int>(arrivals_.size());
    arrivals_.clear();
    send(effects_);
    runner_.add(router_->jobs());
    return done;
}

// A lone request is committed here where that is soon done: handing it to another thread and its
// outcome back costs more than what waits at the socket meanwhile.
void Agent::submit() {
    const std::vector<store::Submission>& submissions = effects_.submissions;
    const bool lone = submissions.size() == 1 && router_->in_flight() == 1;
    if (lone && commit_time_ <= limits::kCommitHereTimeMax &&
        parts_.volume.submit_here(submissions.front())) {
        committed_here_ = true;
        return;
    }
    if (!submissions.empty()) {
        parts_.volume.submit(submissions);
    }
}

int Agent::reply() {
    exchange_.take(outcomes_);
    const int done = static_cast<int>(outcomes_.outcomes.size());
    const Monotonic begun = parts_.clock.monotonic();
    for (const OutcomeBatch::Commit& commit : outcomes_.commits) {
        busy(Stage::check, commit.times.deciding);
        commit_time_ = commit.times.durable - commit.times.checked;
        busy(Stage::commit, commit_time_);
    }
    if (!outcomes_.empty()) {
        router_->decided(outcomes_, begun, effects_);
    }
    outcomes_.clear();
    for (JobAnswer& answer : runner_.take()) {
        router_->finish(std::move(answer), effects_);
    }
    workers_.hand_on(*router_, effects_);
    send(effects_);
    if (done != 0) {
        busy(Stage::reply, parts_.clock.monotonic() - begun);
    }
    return done;
}

void Agent::serve() {
    // Before the cursors look: what is committed after that finds it set.
    subscribed_ = router_->subscriptions() != 0;
    if (news_.exchange(false)) {
        router_->news();
    }
    if (router_->takes_relayed()) {
        for (const store::EphemeralEvent& event : inbox_.take()) {
            router_->relay(event);
        }
    }
    const Monotonic until = parts_.clock.monotonic() + limits::kTurnTimeMax;
    more_ = router_->pump(effects_, [&] { return parts_.clock.monotonic() >= until; });
    send(effects_);
    runner_.add(router_->jobs());
}

void Agent::send(Effects& effects) {
    std::size_t brief = limits::kTurnStepsMax;
    std::vector<LocalCall> calls;
    do {
        send_all(
            effects, [this](const Outgoing& outgoing) { return socket_->send(outgoing); },
            [this](PeerId peer) { router_->lost(peer); });
        calls = std::move(effects.calls);
        effects.clear();
        workers_.call(calls, brief, *router_, effects);
    } while (!effects.sends.empty() || !effects.calls.empty());
}

void Agent::tick(Monotonic now) {
    next_tick_ = now + kTickInterval;
    router_->tick(now, effects_);
    send(effects_);
    socket_->sweep();
    give_back(now);
    publish(now);
}

// What a flood made ZeroMQ's thread and this one allocate would stay with the process: glibc keeps
// freed memory for the thread that asked for it.
void Agent::give_back(Monotonic now) {
    if (socket_->holds() != trimmed_holds_ && now - trimmed_ >= kTrimInterval) {
        trimmed_holds_ = socket_->holds();
        trimmed_ = now;
        malloc_trim(0);
    }
}

// Requests that were taken are answered before anybody is told goodbye.
void Agent::drain() {
    router_->begin_drain();
    parts_.volume.queues().allow_waits(false);
    const Monotonic deadline = parts_.clock.monotonic() + kDrainTimeMax;
    while (router_->in_flight() != 0 && parts_.clock.monotonic() < deadline) {
        wire::poll_sockets(socket_->socket(), nullptr, *waker_, until(Monotonic{}, kTickInterval));
        do_work();
    }
}

// The volume still refers to what it has not decided.
void Agent::await_outcomes() {
    while (router_->in_flight() != 0) {
        wire::poll_sockets(socket_->socket(), nullptr, *waker_, until(Monotonic{}, kTickInterval));
        exchange_.take(outcomes_);
        router_->decided(outcomes_, parts_.clock.monotonic(), effects_);
        effects_.clear();
    }
}

void Agent::publish(Monotonic now) {
    router_->stages().settle();
    const std::lock_guard lock(mutex_);
    const double elapsed = static_cast<double>((now - stats_.at).count());
    for (std::size_t i = 0; i < kStages; ++i) {
        const auto spent = static_cast<double>(busy_ns_[i] - stats_.busy_ns[i]);
        stats_.busy_ratio[i] = elapsed > 0 ? spent / elapsed : 0;
    }
    stats_.counters = router_->counters();
    stats_.stages = router_->stages();
    stats_.busy_ns = busy_ns_;
    stats_.sessions = router_->sessions();
    stats_.subscriptions = router_->subscriptions();
    stats_.services = router_->services().counters();
    stats_.workers = router_->services().workers();
    stats_.service_requests = router_->services().unanswered();
    stats_.in_flight = router_->in_flight();
    stats_.queued_bytes = socket_->queued_bytes();
    stats_.arena_bytes = router_->arena().owned_bytes();
    stats_.holds = socket_->holds();
    stats_.at = now;
}

}  // namespace skald::broker
