#include "client/consumer_member.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "base/limits.h"

namespace skald::client {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPauseFirst(50);
constexpr milliseconds kPauseMost(2000);
constexpr milliseconds kLeaveTimeMax(1000);
constexpr int kWordsInLease = 3;
constexpr int kJoinTries = 3;  // each as long as the timeout, at most

Result<void> check(const MemberOptions& options) {
    if (options.name.size() > limits::kMemberNameBytesMax) {
        return Error(Errc::invalid_argument, fmt::format("a member's name has up to {} bytes",
                                                         limits::kMemberNameBytesMax));
    }
    if (options.in_flight == 0 || options.in_flight > limits::kConsumerInFlightMax) {
        return Error(Errc::invalid_argument,
                     fmt::format("a member holds 1 to {} events, not {}",
                                 limits::kConsumerInFlightMax, options.in_flight));
    }
    if (options.lease < limits::kLeaseMin || options.lease > limits::kLeaseMax) {
        return Error(Errc::invalid_argument, "a member's lease is 100 ms to 10 minutes");
    }
    return {};
}

// Joining again would not help.
bool is_final(const Error& error) {
    const ErrorClass error_class = class_of(error.code);
    return error_class == ErrorClass::auth ||
           (error_class == ErrorClass::usage && error.code != Errc::handler_failed);
}

Result<wire::MemberReply> joined_by(const Result<std::string>& reply) {
    return reply ? wire::decode_member_reply(as_bytes(*reply)) : reply.error();
}

bool is_done(const WorkAnswer& answer) {
    return std::holds_alternative<AckWork>(answer) || std::holds_alternative<SkipWork>(answer);
}

}  // namespace

Result<std::unique_ptr<Member>> ConsumerMember::join(Services& services, std::string_view consumer,
                                                     WorkHandler handler,
                                                     const MemberOptions& options,
                                                     milliseconds timeout) {
    if (auto ok = wire::check_consumer_name(consumer); !ok) {
        return ok.error();
    }
    if (auto ok = check(options); !ok) {
        return ok.error();
    }
    auto threads = WorkerThreads::start(2);
    if (!threads) {
        return threads.error();
    }
    std::unique_ptr<ConsumerMember> member(
        new ConsumerMember(services, consumer, std::move(handler), options, timeout));
    const auto joined = member->join_first();
    if (!joined) {
        member->link_over_ = member->handler_over_ = true;
        return why_not(services, consumer, joined.error(), timeout);
    }
    member->joined(*joined);
    member->threads_ = std::move(*threads);
    member->threads_->queue()->add([m = member.get()] { m->run_link(); });
    member->threads_->queue()->add([m = member.get()] { m->run_handler(); });
    return std::unique_ptr<Member>(std::move(member));
}

ConsumerMember::ConsumerMember(Services& services, std::string_view consumer, WorkHandler handler,
                               const MemberOptions& options, milliseconds timeout)
    : services_(services),
      consumer_(consumer),
      service_(std::string(wire::kConsumerService) + consumer_),
      handler_(std::move(handler)),
      extend_([this](milliseconds by) { extend(by); }),
      options_(options),
      timeout_(timeout) {}

ConsumerMember::~ConsumerMember() {
    close(true);
    Lock lock(desk_->mutex);
    done_.wait(lock, [this] { return link_over_ && handler_over_; });
}

Result<void> ConsumerMember::drain() {
    close(false);
    Lock lock(desk_->mutex);
    const bool over = done_.wait_for(lock, timeout_, [this] { return link_over_; });
    if (ended_) {
        return *ended_;
    }
    return over ? Result<void>()
                : Error(Errc::timed_out, "its events are not all handled and confirmed yet");
}

std::optional<Error> ConsumerMember::ended() const {
    const Lock lock(desk_->mutex);
    return ended_;
}

void ConsumerMember::close(bool stop) {
    const Lock lock(desk_->mutex);
    closing_ = true;
    if (stop) {
        stopping_ = true;
        held_.clear();
    }
    desk_->link.notify_all();
    work_.notify_all();
}

// One whose answer was lost, and which nobody knows of, ends with its lease.
Result<wire::MemberReply> ConsumerMember::join_first() {
    const std::string request = wire::encode(join_request());
    for (int tries = 1;; ++tries) {
        auto joined = joined_by(services_.request(service_, request, timeout_));
        if (joined || joined.error().code != Errc::outcome_unknown || tries == kJoinTries) {
            return joined;
        }
    }
}

wire::MemberRequest ConsumerMember::join_request() const {
    wire::MemberRequest request;
    request.verb = wire::MemberVerb::join;
    request.name = options_.name;
    request.in_flight = options_.in_flight;
    request.lease = options_.lease;
    return request;
}

// ---- the link's thread

void ConsumerMember::run_link() {
    Lock lock(desk_->mutex);
    while (!over()) {
        if (member_) {
            step(lock);
        } else {
            rejoin(lock);
        }
    }
    leave(lock);
    link_over_ = true;
    work_.notify_all();
    done_.notify_all();
}

// Closing: once all is handled and confirmed, or, without a connection, once nobody waits for that.
bool ConsumerMember::over() const {
    if (ended_) {
        return true;
    }
    const bool idle = held_.empty() && !handling_;
    return closing_ && idle && (answers_.settled() || (stopping_ && !member_));
}

bool ConsumerMember::something_to_do() const {
    return (fetch_ && *fetch_) || (answer_ && *answer_) || (!closing_ && !fetch_) ||
           (!answer_ && answers_.waiting()) || over();
}

void ConsumerMember::step(Lock& lock) {
    if (auto page = taken(fetch_)) {
        take_page(std::move(*page));
    } else if (auto confirmation = taken(answer_)) {
        take_confirmation(*confirmation);
    } else if (!closing_ && !fetch_) {
        begin_fetch(lock);
    } else if (!answer_ && answers_.waiting()) {
        begin_answers(lock);
    } else if (!desk_->link.wait_for(lock, options_.lease / kWordsInLease,
                                     [this] { return something_to_do(); }) &&
               !answer_ && closing_) {
        begin_answers(lock);  // of none: a word, since no fetch is one any more
    }
}

void ConsumerMember::begin_fetch(Lock& lock) {
    wire::MemberRequest request;
    request.verb = wire::MemberVerb::fetch;
    request.wait = options_.lease / kWordsInLease;

    fetch_ = begin(lock, std::move(request), options_.lease / kWordsInLease + timeout_);
}

void ConsumerMember::begin_answers(Lock& lock) {
    wire::MemberRequest request;
    request.verb = wire::MemberVerb::answer;
    request.answers = answers_.begin();
    request.answered = answers_.begun();
    answer_ = begin(lock, std::move(request), timeout_);
}

// Without the lock, since the reply may come at once.
ConsumerMember::Call ConsumerMember::begin(Lock& lock, wire::MemberRequest request,
                                           milliseconds time) {
    request.member = member_.value_or(0);
    auto call = std::make_shared<Reply>();
    lock.unlock();
    services_.begin_request(service_, wire::encode(request), time,
                            [desk = desk_, call](Result<std::string> reply) {
                                const Lock inside(desk->mutex);
                                call->emplace(std::move(reply));
                                desk->link.notify_all();
                            });
    lock.lock();
    return call;
}

std::optional<Result<std::string>> ConsumerMember::taken(Call& call) {
    if (!call || !*call) {
        return std::nullopt;
    }
    return std::move(*std::exchange(call, nullptr));
}

void ConsumerMember::take_page(Result<std::string> reply) {
    if (!reply) {
        lose(reply.error());
        return;
    }
    pause_ = milliseconds(0);
    HeldWork unwanted;
    if (auto ok = (closing_ ? unwanted : held_).add(std::move(*reply)); !ok) {
        end(ok.error());
        return;
    }
    while (!unwanted.empty()) {
        answers_.add(unwanted.take().place(), ReleaseWork{});
    }
    work_.notify_one();
}

void ConsumerMember::take_confirmation(const Result<std::string>& reply) {
    if (!reply) {
        lose(reply.error());
        return;
    }
    answers_.confirm();
}

void ConsumerMember::lose(const Error& why) {
    if (is_final(why)) {
        end(why);
        return;
    }
    member_.reset();
    fetch_ = nullptr;
    answer_ = nullptr;
    held_.clear();
    answers_.lose();
}

void ConsumerMember::end(Error why) {
    ended_ = std::move(why);
    member_.reset();
    held_.clear();
}

void ConsumerMember::rejoin(Lock& lock) {
    pause_ = std::clamp(pause_ * 2, kPauseFirst, kPauseMost);
    if (desk_->link.wait_for(lock, pause_, [this] { return over(); })) {
        return;
    }
    Call call = begin(lock, join_request(), timeout_);
    desk_->link.wait(lock, [&] { return *call || over(); });
    const auto reply = taken(call);
    if (!reply) {
        return;
    }
    const auto again = joined_by(*reply);
    if (again) {
        joined(*again);
        return;
    }
    lock.unlock();
    Error why = why_not(services_, consumer_, again.error(), timeout_);
    lock.lock();
    if (why.code == Errc::not_found || is_final(why)) {
        end(std::move(why));
    }
}

// Where nobody serves it, it may be that it is no more.
Error ConsumerMember::why_not(Services& services, std::string_view consumer, Error error,
                              milliseconds timeout) {
    if (error.code != Errc::not_ready) {
        return error;
    }
    wire::ConsumerRequest request;
    request.verb = wire::ConsumerVerb::show;
    request.name = consumer;
    auto shown = services.request(wire::kConsumersService, wire::encode(request), timeout);
    return !shown && shown.error().code == Errc::not_found ? shown.error() : error;
}

void ConsumerMember::joined(const wire::MemberReply& reply) {
    member_ = reply.member;
    ++membership_;
    held_.keep_order(reply.mode, reply.key);
}

// Best effort: the node finds out by itself, later.
void ConsumerMember::leave(Lock& lock) {
    if (!member_) {
        return;
    }
    wire::MemberRequest request;
    request.verb = wire::MemberVerb::leave;
    const milliseconds time = std::min(timeout_, kLeaveTimeMax);
    const Call call = begin(lock, std::move(request), time);
    desk_->link.wait_for(lock, time, [&] { return call->has_value(); });
    member_.reset();
}

// ---- the handler's thread

void ConsumerMember::run_handler() {
    Lock lock(desk_->mutex);
    while (true) {
        work_.wait(lock, [this] { return stopping_ || link_over_ || !held_.empty(); });
        if (held_.empty()) {
            break;
        }
        handle(lock, held_.take());
        if (!answer_) {
            desk_->link.notify_one();
        }
    }
    handler_over_ = true;
    done_.notify_all();
}

void ConsumerMember::handle(Lock& lock, const HeldWork::Piece& piece) {
    if (held_.behind_failure(piece)) {
        // What comes behind this one is not to be done before it either.
        held_.failed(piece, answers_.add(piece.place(), ReleaseWork{}));
        return;
    }
    handled_ = piece.place();
    handled_since_ = membership_;
    handling_ = true;
    lock.unlock();
    WorkAnswer answer = call(piece);
    lock.lock();
    handling_ = false;
    const bool late = !member_ || handled_since_ != membership_;
    const bool failed = !is_done(answer);
    const std::uint64_t number = answers_.add(piece.place(), std::move(answer), late);
    if (failed && !late) {
        held_.failed(piece, number);
    }
}

void ConsumerMember::extend(milliseconds by) {
    const Lock lock(desk_->mutex);
    if (handling_ && member_ && handled_since_ == membership_) {
        answers_.extend(handled_, by);
        desk_->link.notify_one();
    }
}

WorkAnswer ConsumerMember::call(const HeldWork::Piece& piece) const {
    try {
        return handler_(Work{piece.event, piece.attempt, piece.term, extend_});
    } catch (const std::exception& thrown) {
        return RetryWork{std::nullopt, thrown.what()};
    } catch (...) {
        return RetryWork{std::nullopt, "the handler threw no std::exception"};
    }
}

}  // namespace skald::client
