#include "client/session.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace skald::client {
namespace {

namespace msg = wire::msg;

constexpr auto kAttemptTime = std::chrono::seconds(2);  // for a Welcome
constexpr auto kBackoffMin = std::chrono::milliseconds(50);
constexpr auto kBackoffMax = std::chrono::seconds(2);
constexpr std::size_t kBrokenFailures = 3;  // what a broken connection counts for at least
constexpr auto kTick = std::chrono::milliseconds(100);

// Errors that another attempt will meet again.
bool is_final(const Error& error) {
    return class_of(error.code) == ErrorClass::auth || error.code == Errc::unsupported_version ||
           error.code == Errc::malformed || error.code == Errc::invalid_argument;
}

}  // namespace

Error nobody_there() {
    return {Errc::unreachable, "no node answers there: start it, or name another server"};
}

Session::Session(SessionOptions options)
    : options_(std::move(options)), random_(options_.seed | 1) {}

void Session::start(Monotonic now) {
    now_ = now;
    connect(now);
}

void Session::connect(Monotonic now) {
    state_ = State::connecting;
    since_ = heard_ = said_ = now;
    ++connection_;
    effects_.disconnect = true;
    effects_.connect = server_;
    msg::Hello hello;
    hello.producer = options_.producer;
    hello.client = options_.name;
    effects_.sends.clear();
    effects_.sequenced.clear();
    effects_.sends.push_back({std::move(hello), nullptr});
}

// Half of it is jitter, so that clients of a lost node do not come back at once.
Monotonic Session::backoff() {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    const auto doublings = std::min<std::size_t>(failures_, 6);
    const Monotonic whole = std::min<Monotonic>(kBackoffMin * (1U << doublings), kBackoffMax);
    return whole / 2 + Monotonic(static_cast<std::int64_t>(random_ >> 1) % (whole.count() / 2));
}

void Session::lost(Monotonic now) {
    lost(now, nobody_there());
}

void Session::lost(Monotonic now, const Error& why) {
    if (state_ != State::connecting && state_ != State::ready) {
        return;
    }
    now_ = now;
    last_loss_ = why;
    last_loss_->message = fmt::format("{}: {}", server(), why.message);
    if (state_ == State::ready) {
        for (auto& [id, subscription] : subscriptions_) {
            if (subscription.live) {
                subscription.live = false;
                tell(id, Told::Kind::fell_behind, subscription);
            }
        }
    }
    forget_published(Error(Errc::outcome_unknown, "the connection was lost"));
    lose_services();
    effects_.disconnect = true;
    effects_.connect.reset();
    effects_.sends.clear();
    effects_.sequenced.clear();
    bytes_in_flight_ = 0;
    requests_in_flight_ = 0;
    resend_at_.reset();
    state_ = State::waiting;
    ++server_;
    if (server_ >= options_.servers.size()) {
        server_ = 0;
    }
    retry_at_ = now + backoff();
    ++failures_;
    if (standing_ == Standing::trying && (is_final(why) || failures_ >= options_.servers.size())) {
        standing_ = Standing::failed;
        failure_ = *last_loss_;
        if (failures_ > 1) {
            failure_.message += fmt::format(" (tried {})", fmt::join(options_.servers, ", "));
        }
    }
}

void Session::broken(Monotonic now, const char* how) {
    // It will likely do so again: not at once.
    failures_ = std::max(failures_, kBrokenFailures);
    lost(now, Error(Errc::malformed, how));
}

void Session::on(msg::Goodbye& goodbye, std::vector<Body>&) {
    lost(now_, goodbye.error);
}

void Session::on(msg::Welcome& welcome, std::vector<Body>&) {
    if (state_ != State::connecting) {
        return;
    }
    if (lanes_.empty()) {
        lanes_.resize(std::max<std::size_t>(welcome.partition_count, 1));
    }
    if (welcome.partition_count != lanes_.size() ||
        (standing_ == Standing::ready && welcome.cluster != welcome_.cluster)) {
        lost(now_, Error(Errc::wrong_lineage, "the server belongs to another cluster"));
        return;
    }
    state_ = State::ready;
    standing_ = Standing::ready;
    failures_ = 0;
    last_loss_.reset();
    welcome_ = std::move(welcome);
    lineages_.assign(lanes_.size(), std::nullopt);
    for (const msg::PartitionState& state : welcome_.partitions) {
        if (state.partition.value < lineages_.size()) {
            lineages_[state.partition.value] = state.lineage;
        }
    }
    credit_bytes_ = welcome_.credit_bytes;
    credit_requests_ = welcome_.credit_requests;
    for (Lane& lane : lanes_) {
        lane.resend = 0;
        lane.last_unresolved = lane.base;
    }
    for (auto& [id, plain] : plain_) {
        effects_.sends.push_back({plain.message, plain.body});
    }
    send_plain();
    for (auto& [id, subscription] : subscriptions_) {
        send_subscribe(id, subscription);
    }
    welcome_services();
    send_more();
}

void Session::on(msg::Busy& busy, std::vector<Body>&) {
    credit_bytes_ = busy.credit_bytes;
    credit_requests_ = busy.credit_requests;
    send_more();
}

void Session::on(msg::Heartbeat&, std::vector<Body>&) {}

void Session::received(Answer answer, Monotonic now) {
    if (state_ != State::connecting && state_ != State::ready) {
        return;
    }
    now_ = heard_ = now;
    std::visit([&](auto& message) { on(message, answer.bodies); }, answer.message);
}

void Session::tick(Monotonic now) {
    now_ = now;
    time_out(now);
    tick_services(now);
    if (state_ == State::waiting && now >= retry_at_) {
        connect(now);
        return;
    }
    if (state_ == State::connecting && now - since_ > kAttemptTime) {
        lost(now, nobody_there());
        return;
    }
    if (state_ != State::ready) {
        return;
    }
    if (now - heard_ > std::chrono::milliseconds(welcome_.expiry_ms)) {
        lost(now, nobody_there());
        return;
    }
    if (now - said_ >= std::chrono::milliseconds(welcome_.heartbeat_ms)) {
        said_ = now;
        effects_.sends.push_back({msg::Heartbeat{}, nullptr});
    }
    for (auto& [id, subscription] : subscriptions_) {
        if (subscription.retry && now >= *subscription.retry) {
            send_subscribe(id, subscription);
        }
    }
    if (resend_at_ && now >= *resend_at_) {
        resend_at_.reset();
    }
    // Also without an answer: what timed out has made room.
    send_more();
    send_plain();
}

Monotonic Session::next_tick(Monotonic now) const {
    return state_ == State::waiting ? std::min(retry_at_, now + kTick) : now + kTick;
}

std::string Session::no_answer() const {
    return last_loss_ ? fmt::format("no answer came in time: {}", last_loss_->message)
                      : fmt::format("{}: no answer came in time", server());
}

Error Session::not_sent() const {
    if (state_ == State::ready) {
        return {Errc::busy, fmt::format("{}: the node is busy, and nothing was sent in time: "
                                        "try again later",
                                        server())};
    }
    return {Errc::unreachable, fmt::format("nothing was sent in time: {}",
                                           last_loss_ ? last_loss_->message : server())};
}

bool Session::quiet() const {
    return state_ == State::ready && subscriptions_.empty() && plain_.empty() &&
           plain_waiting_.empty() && calls_.empty() && calls_waiting_.empty() && servings_.empty();
}

void Session::close() {
    if (state_ == State::ready) {
        effects_.sends.push_back({msg::Bye{}, nullptr});
    }
    state_ = State::closed;
    const auto end = [this](std::unique_ptr<Sequenced>& call, bool sent) {
        Error error(sent ? Errc::outcome_unknown : Errc::connection_lost, "the client was closed");
        resolve(std::move(call), std::move(error));
    };
    for (Lane& lane : lanes_) {
        for (auto& call : lane.sent) {
            if (call) {
                end(call, true);
            }
        }
        lane.sent.clear();
        for (auto& call : lane.held) {
            end(call, false);
        }
        lane.held.clear();
    }
    for (auto& call : waiting_) {
        end(call, false);
    }
    waiting_.clear();
    const Error closed(Errc::connection_lost, "the client was closed");
    close_plain(closed);
    close_services(closed);
    for (auto& [id, subscription] : subscriptions_) {
        if (subscription.done) {
            effects_.calls.push_back(
                [done = std::move(subscription.done), closed] { done(closed); });
        }
    }
    subscriptions_.clear();
}

}  // namespace skald::client
