// The callers' side of the agent: the queue, and the loop while a caller waits.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/limits.h"
#include "client/agent.h"

namespace skald::client {
namespace {

// A one-shot answer for a caller that waits.
template <typename T>
std::function<void(Result<T>)> promised(std::future<Result<T>>& future) {
    auto promise = std::make_shared<std::promise<Result<T>>>();
    future = promise->get_future();
    return [promise](Result<T> result) { promise->set_value(std::move(result)); };
}

Error client_closed() {
    return {Errc::connection_lost, "the client was closed"};
}

Result<Answer> rejected_as_error(Result<Answer> answer) {
    if (answer) {
        if (auto* rejected = std::get_if<wire::msg::Rejected>(&answer->message)) {
            return std::move(rejected->error);
        }
    }
    return answer;
}

}  // namespace

Result<wire::msg::Welcome> Agent::await_welcome() {
    std::unique_lock lock(mutex_);
    if (!room_.wait_for(lock, options_.timeout, [this] { return welcome_.has_value(); })) {
        return Error(
            Errc::unreachable,
            fmt::format("{}: no answer within {} ms: start a node there, name another "
                        "server, or wait longer",
                        fmt::join(options_.session.servers, ", "), options_.timeout.count()));
    }
    return *welcome_;
}

// May refuse what would just fit while another thread is being refused: nobody is let over.
bool Agent::take_room(std::size_t bytes) {
    const std::size_t appends = open_appends_.fetch_add(1);
    const std::size_t before = open_bytes_.fetch_add(bytes);
    if (appends < limits::kClientRequestsMax &&
        (before + bytes <= limits::kClientBytesMax || appends == 0)) {
        return true;
    }
    open_appends_ -= 1;
    open_bytes_ -= bytes;
    return false;
}

void Agent::give_room(std::size_t appends, std::size_t bytes) {
    open_appends_ -= appends;
    open_bytes_ -= bytes;
    if (waiting_for_room_ != 0) {
        const std::lock_guard lock(mutex_);
        room_.notify_all();
    }
}

// With the lock held, like the next.
void Agent::wake_loop() {
    if (loop_free_) {
        wanted_ = true;
        loop_.notify_one();
    } else {
        waker_.wake();
    }
}

Agent::Loop Agent::claim_loop() {
    if (loop_free_) {
        loop_free_ = false;
        busy_ = true;
        return Loop::of_caller;
    }
    waker_.wake();
    return Loop::of_another;
}

bool Agent::submit(std::unique_ptr<Sequenced>& call, AppendSource* open) {
    const std::lock_guard lock(mutex_);
    if (closed_) {
        return false;
    }
    const bool wake = inbox_.empty();
    inbox_.calls.push_back({std::move(call), open});
    if (wake) {
        wake_loop();
    }
    return true;
}

Result<Receipt> Agent::settle(std::unique_ptr<Sequenced> call) {
    std::future<Result<Receipt>> receipt;
    call->members.front().done = promised(receipt);
    call->at_once = true;
    std::unique_lock lock(mutex_);
    // Counted as waiting before it looks: who gives room looks for waiters behind that.
    ++waiting_for_room_;
    const bool room =
        room_.wait_for(lock, options_.timeout, [&] { return !closed_ && take_room(call->room); });
    --waiting_for_room_;
    if (!room) {
        return Error(Errc::busy, "the client holds all the requests it can: wait for answers");
    }
    inbox_.calls.push_back({std::move(call), nullptr});
    const Loop loop = claim_loop();
    lock.unlock();
    return await(std::move(receipt), loop);
}

// A caller that has the loop runs it until its own answer is there, so that neither its call nor
// the answer is handed from one thread to another.
template <typename T>
Result<T> Agent::await(std::future<Result<T>> answer, Loop loop) {
    if (loop == Loop::of_caller) {
        while (answer.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
            turn();
        }
        leave_loop();
    }
    return answer.get();
}

void Agent::leave_loop() {
    const bool alone = quiet();
    const std::lock_guard lock(mutex_);
    loop_free_ = driven_ = true;
    if (!alone || !inbox_.empty() || open_appends_ != 0) {
        wanted_ = true;
    }
    if (wanted_) {
        loop_.notify_one();
    }
}

bool Agent::push(Input input) {
    const std::lock_guard lock(mutex_);
    if (closed_) {
        return false;
    }
    const bool wake = inbox_.empty();
    inbox_.others.push_back(std::move(input));
    if (wake) {
        wake_loop();
    }
    return true;
}

template <typename T>
Result<T> Agent::await(std::future<Result<T>> answer, Input input) {
    std::unique_lock lock(mutex_);
    if (closed_) {
        return client_closed();
    }
    inbox_.others.push_back(std::move(input));
    const Loop loop = claim_loop();
    lock.unlock();
    return await(std::move(answer), loop);
}

Result<Answer> Agent::ask(wire::msg::FromClient message, std::shared_ptr<const std::string> body) {
    std::future<Result<Answer>> future;
    Plain call{std::move(message), std::move(body), now() + options_.timeout, promised(future)};
    return rejected_as_error(await(std::move(future), Input(std::move(call))));
}

std::future<Result<Answer>> Agent::ask_ahead(wire::msg::FromClient message) {
    std::future<Result<Answer>> future;
    auto done = promised(future);
    if (!push(Plain{std::move(message), nullptr, now() + options_.timeout, done})) {
        done(client_closed());
    }
    return future;
}

Result<Answer> Agent::wait(std::future<Result<Answer>> answer) {
    return rejected_as_error(answer.get());
}

Result<Begun> Agent::subscribe(const Subscribe& request, std::function<void(const Begun&)> begun) {
    std::future<Result<Begun>> future;
    auto done = [begun = std::move(begun), tell = promised(future)](Result<Begun> result) {
        if (result) {
            begun(*result);
        }
        tell(std::move(result));
    };
    NewSubscription subscription{request, now() + options_.timeout, std::move(done)};
    return await(std::move(future), Input(std::move(subscription)));
}

Result<Answer> Agent::call(std::string_view service, std::string payload,
                           std::chrono::milliseconds time) {
    std::future<Result<Answer>> future;
    ServiceCall call = service_call(service, std::move(payload), time, promised(future));
    return await(std::move(future), Input(std::move(call)));
}

void Agent::begin_call(std::string_view service, std::string payload,
                       std::chrono::milliseconds time, std::function<void(Result<Answer>)> done) {
    if (!push(service_call(service, std::move(payload), time, done))) {
        done(client_closed());
    }
}

ServiceCall Agent::service_call(std::string_view service, std::string payload,
                                std::chrono::milliseconds time,
                                std::function<void(Result<Answer>)> done) const {
    return {{0, std::string(service), static_cast<std::uint32_t>(time.count())},
            std::make_shared<const std::string>(std::move(payload)),
            now() + time,
            std::move(done)};
}

Result<std::uint64_t> Agent::serve(wire::msg::Serve message, std::function<void(Called)> call) {
    std::future<Result<std::uint64_t>> future;
    NewWorker worker{std::move(message), now() + options_.timeout, promised(future),
                     std::move(call)};
    return await(std::move(future), Input(std::move(worker)));
}

void Agent::respond(Response response) {
    (void)push(std::move(response));
}

void Agent::unserve(std::uint64_t worker) {
    (void)push(EndWorker{worker});
}

void Agent::unsubscribe(SubscriptionId id) {
    dispatcher_.remove(id);
    (void)push(Consumed{id, 0, 0, true});
}

}  // namespace skald::client
