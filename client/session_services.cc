// Services of a session: requests to them, and the workers of this client.
#include <algorithm>

#include "client/session.h"

namespace skald::client {
namespace {

namespace msg = wire::msg;

// What the node says of a deadline comes a little later than it.
constexpr auto kGrace = std::chrono::milliseconds(500);
constexpr auto kServeAgain = std::chrono::milliseconds(200);

}  // namespace

void Session::call(ServiceCall call) {
    if (calls_.size() + calls_waiting_.size() >= limits::kClientPlainWaitingMax) {
        effects_.calls.push_back([done = std::move(call.done)] {
            done(Error(Errc::busy, "the client holds all the requests it can: wait for answers"));
        });
        return;
    }
    calls_waiting_.push_back(std::move(call));
    send_calls();
}

void Session::send_calls() {
    while (state_ == State::ready && !calls_waiting_.empty()) {
        ServiceCall waiting = std::move(calls_waiting_.front());
        calls_waiting_.pop_front();
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(waiting.deadline - now_);
        if (left.count() <= 0 && waiting.message.deadline_ms != 0) {
            effects_.calls.push_back(
                [done = std::move(waiting.done), why = not_sent()] { done(why); });
            continue;
        }
        const std::uint64_t id = next_id_++;
        ServiceCall& call = calls_.emplace(id, std::move(waiting)).first->second;
        call.message.id = id;
        call.message.deadline_ms = static_cast<std::uint32_t>(
            std::clamp<std::int64_t>(left.count(), 0, call.message.deadline_ms));
        said_ = now_;
        effects_.sends.push_back({call.message, call.body});
        call.body.reset();
    }
}

void Session::end_call(std::uint64_t id, Result<Answer> answer) {
    const auto it = calls_.find(id);
    if (it == calls_.end()) {
        return;
    }
    effects_.calls.push_back([done = std::move(it->second.done),
                              answer = std::move(answer)]() mutable { done(std::move(answer)); });
    calls_.erase(it);
}

void Session::on(msg::Reply& reply, std::vector<Body>& bodies) {
    end_call(reply.id, Answer{reply, std::move(bodies)});
}

// True when it was about a request to a service, or a worker.
bool Session::refuse_service(msg::Rejected& rejected) {
    if (calls_.contains(rejected.id)) {
        end_call(rejected.id, std::move(rejected.error));
        return true;
    }
    const auto it = servings_.find(rejected.id);
    if (it == servings_.end()) {
        return false;
    }
    Serving& serving = it->second;
    if (serving.known) {  // the node has a new life, and something is in the way for now
        serving.retry = now_ + kServeAgain;
        return true;
    }
    effects_.calls.push_back(
        [done = std::move(serving.worker.done), why = std::move(rejected.error)] { done(why); });
    servings_.erase(it);
    return true;
}

void Session::serve(NewWorker worker) {
    const std::uint64_t id = next_id_++;
    Serving& placed = servings_[id];
    placed.worker = std::move(worker);
    placed.worker.message.id = id;
    if (state_ == State::ready) {
        send_serve(placed);
    }
}

void Session::send_serve(Serving& serving) {
    serving.retry.reset();
    said_ = now_;
    effects_.sends.push_back({serving.worker.message, nullptr});
}

void Session::on(msg::Done& done, std::vector<Body>& bodies) {
    const auto it = servings_.find(done.id);
    if (it == servings_.end()) {
        answer_plain(done.id, done, bodies);
        return;
    }
    if (!std::exchange(it->second.known, true)) {
        effects_.calls.push_back(
            [tell = std::move(it->second.worker.done), id = done.id] { tell(id); });
    }
}

void Session::on(msg::Call& call, std::vector<Body>& bodies) {
    const auto it = servings_.find(call.worker);
    if (it == servings_.end()) {
        return;  // the node is about to hear that it has ended
    }
    Called called{call.worker, call.number, connection_, call.left_ms, {}};
    if (!bodies.empty()) {
        called.body = std::move(bodies.front());
    }
    effects_.calls.push_back([tell = it->second.worker.call, called = std::move(called)]() mutable {
        tell(std::move(called));
    });
}

// One of a connection that is gone, or of a worker that has ended, is for nobody.
void Session::respond(Response response) {
    if (state_ != State::ready || response.connection != connection_ ||
        !servings_.contains(response.worker)) {
        return;
    }
    said_ = now_;
    if (response.reply) {
        effects_.sends.push_back({msg::Respond{response.number, std::nullopt},
                                  std::make_shared<const std::string>(std::move(*response.reply))});
    } else {
        effects_.sends.push_back({msg::Respond{response.number, response.reply.error()}, nullptr});
    }
}

void Session::unserve(std::uint64_t worker) {
    if (servings_.erase(worker) != 0) {
        send_unserve(worker);
    }
}

void Session::send_unserve(std::uint64_t worker) {
    if (state_ == State::ready) {
        said_ = now_;
        effects_.sends.push_back({msg::Unserve{next_id_++, worker}, nullptr});
    }
}

void Session::welcome_services() {
    for (auto& [id, serving] : servings_) {
        send_serve(serving);
    }
    send_calls();
}

void Session::lose_services() {
    while (!calls_.empty()) {
        end_call(calls_.begin()->first, Error(Errc::outcome_unknown, "the connection was lost"));
    }
    for (auto& [id, serving] : servings_) {
        serving.retry.reset();
    }
}

void Session::tick_services(Monotonic now) {
    for (auto it = calls_.begin(); it != calls_.end();) {
        const auto id = it->first;
        const bool over = it->second.deadline + kGrace <= now;
        ++it;
        if (over) {
            end_call(id, Error(Errc::outcome_unknown, no_answer()));
        }
    }
    for (auto it = calls_waiting_.begin(); it != calls_waiting_.end();) {
        if (it->deadline > now) {
            ++it;
            continue;
        }
        effects_.calls.push_back([done = std::move(it->done), why = not_sent()] { done(why); });
        it = calls_waiting_.erase(it);
    }
    for (auto it = servings_.begin(); it != servings_.end();) {
        Serving& serving = it->second;
        if (serving.retry && now >= *serving.retry && state_ == State::ready) {
            send_serve(serving);
        }
        if (serving.known || serving.worker.deadline > now) {
            ++it;
            continue;
        }
        effects_.calls.push_back([done = std::move(serving.worker.done), why = no_answer()] {
            done(Error(Errc::timed_out, why));
        });
        send_unserve(it->first);  // the node may take what it has not answered yet
        it = servings_.erase(it);
    }
}

void Session::close_services(const Error& why) {
    while (!calls_.empty()) {
        end_call(calls_.begin()->first, Error(Errc::outcome_unknown, why.message));
    }
    for (ServiceCall& call : calls_waiting_) {
        effects_.calls.push_back([done = std::move(call.done), why] { done(why); });
    }
    calls_waiting_.clear();
    for (auto& [id, serving] : servings_) {
        if (!serving.known) {
            effects_.calls.push_back([done = std::move(serving.worker.done), why] { done(why); });
        }
    }
    servings_.clear();
}

}  // namespace skald::client
