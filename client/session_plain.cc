// Requests of a session that are no appends: so many on their way, the others wait.
#include "client/session.h"

namespace skald::client {
namespace {

namespace msg = wire::msg;

constexpr auto kBusyPause = std::chrono::milliseconds(50);

bool publishes(const Plain& call) {
    return std::holds_alternative<msg::PublishEphemeral>(call.message);
}

}  // namespace

void Session::request(Plain call) {
    if (plain_waiting_.size() >= limits::kClientPlainWaitingMax) {
        effects_.calls.push_back([done = std::move(call.done)] {
            done(Error(Errc::busy, "the client holds all the requests it can: wait for answers"));
        });
        return;
    }
    plain_waiting_.push_back(std::move(call));
    send_plain();
}

void Session::send_plain() {
    if (state_ != State::ready || now_ < plain_resume_) {
        return;
    }
    while (!plain_waiting_.empty() && plain_.size() < limits::kClientPlainUnderWay) {
        const std::uint64_t id = next_id_++;
        Plain& placed = plain_.emplace(id, std::move(plain_waiting_.front())).first->second;
        plain_waiting_.pop_front();
        std::visit(
            [id](auto& message) {
                if constexpr (requires { message.id; }) {
                    message.id = id;
                }
            },
            placed.message);
        said_ = now_;
        effects_.sends.push_back({placed.message, placed.body});
    }
}

void Session::answer_plain(std::uint64_t id, msg::FromNode message, std::vector<Body>& bodies) {
    const auto it = plain_.find(id);
    if (it == plain_.end()) {
        return;
    }
    effects_.calls.push_back([done = std::move(it->second.done),
                              answer = Answer{std::move(message), std::move(bodies)}]() mutable {
        done(std::move(answer));
    });
    plain_.erase(it);
    send_plain();
}

void Session::refuse_plain(msg::Rejected& rejected, std::vector<Body>& bodies) {
    const auto it = plain_.find(rejected.id);
    if (it == plain_.end() || rejected.error.code != Errc::busy) {
        const std::uint64_t id = rejected.id;
        answer_plain(id, std::move(rejected), bodies);
        return;
    }
    it->second.refused = std::move(rejected.error);
    plain_waiting_.push_front(std::move(it->second));
    plain_.erase(it);
    plain_resume_ = now_ + kBusyPause;
}

void Session::time_out_plain(Monotonic now) {
    const auto end = [this](Plain& call, Errc code = Errc::timed_out) {
        Error why = call.refused ? std::move(*call.refused) : Error(code, no_answer());
        effects_.calls.push_back(
            [done = std::move(call.done), why = std::move(why)] { done(why); });
    };
    for (auto it = plain_.begin(); it != plain_.end();) {
        if (it->second.deadline > now) {
            ++it;
            continue;
        }
        if (publishes(it->second)) {
            it->second.refused.reset();  // that was an earlier try
            end(it->second, Errc::outcome_unknown);
        } else {
            end(it->second);
        }
        it = plain_.erase(it);
    }
    while (!plain_waiting_.empty() && plain_waiting_.front().deadline <= now) {
        Plain& unsent = plain_waiting_.front();
        if (publishes(unsent) && !unsent.refused) {
            unsent.refused = not_sent();
        }
        end(unsent);
        plain_waiting_.pop_front();
    }
}

void Session::forget_published(const Error& why) {
    for (auto it = plain_.begin(); it != plain_.end();) {
        if (!publishes(it->second)) {
            ++it;
            continue;
        }
        effects_.calls.push_back([done = std::move(it->second.done), why] { done(why); });
        it = plain_.erase(it);
    }
}

void Session::close_plain(const Error& why) {
    forget_published(Error(Errc::outcome_unknown, why.message));
    for (auto& [id, call] : plain_) {
        effects_.calls.push_back([done = std::move(call.done), why] { done(why); });
    }
    plain_.clear();
    for (Plain& call : plain_waiting_) {
        effects_.calls.push_back([done = std::move(call.done), why] { done(why); });
    }
    plain_waiting_.clear();
}

}  // namespace skald::client
