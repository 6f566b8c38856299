#include "cqrs/projector_run.h"

#include <algorithm>

#include "cqrs/limits.h"
#include "cqrs/position_order.h"

namespace skald::cqrs {
namespace {

// How often one that stands still looks whether it may go on.
constexpr std::chrono::milliseconds kStandstill{5};
// How long a copy that stands by waits for the lease before it looks whether it is to end.
constexpr std::chrono::milliseconds kLeaseWait{100};

// What another try may mend.
bool may_pass(const Error& error) {
    const ErrorClass its = class_of(error.code);
    return its == ErrorClass::network || its == ErrorClass::timeout ||
           its == ErrorClass::unavailable;
}

}  // namespace

ProjectorRun::ProjectorRun(EventStore& store, ProjectionTarget& target, ProjectorOptions options)
    : store_(store),
      target_(target),
      version_(target.work()),
      options_(std::move(options)),
      lease_name_(target.lease_name()),
      lease_(options_.lease != nullptr ? *options_.lease : target.lease()),
      applier_(target, options_.poison) {
    if (++version_.projectors == 1) {
        version_.progress.trust(false);
    }
    version_.progress.set_checker(
        [&log = store](const Position& position) { return check_position(log, position); });
    tell(ModelState::standby);
    thread_ = std::thread([this] { run(); });
}

ProjectorRun::~ProjectorRun() {
    stop();
}

void ProjectorRun::stop() {
    std::call_once(stopped_, [this] {
        {
            const std::scoped_lock lock(mutex_);
            stopping_ = true;
        }
        changed_.notify_all();
        thread_.join();
        if (--version_.projectors == 0) {
            version_.progress.set_checker({});
        }
    });
}

void ProjectorRun::wake(Wish wish) {
    {
        const std::scoped_lock lock(mutex_);
        wish_ = std::max(wish_, wish);
    }
    if (version_.progress.status().state == ModelState::stopped) {
        tell(ModelState::standby);
    }
    changed_.notify_all();
}

void ProjectorRun::run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        lock.unlock();
        const Next next = once();
        lock.lock();
        if (next == Next::stop) {
            changed_.wait(lock, [&] { return stopping_ || wish_ != Wish::none; });
            pause_ = {};
            attempts_ = {};
        }
    }
    lock.unlock();
    tell(version_.projectors == 1 ? ModelState::idle : ModelState::standby);
    give_lease();
}

// Where a version stands is the word of the copy that runs.
void ProjectorRun::tell(ModelState state, std::optional<Error> error) {
    if (term_ != 0 || version_.projectors == 1) {
        version_.progress.set_state(state, std::move(error));
    }
}

Result<void> ProjectorRun::hold_lease() {
    if (term_ == 0) {
        auto term = lease_.acquire(lease_name_, kLeaseWait);
        if (!term) {
            return term.error();
        }
        term_ = *term;
    }
    if (take_wish() == Wish::rebuild) {
        if (auto ok = reset(version_.progress.reached()); !ok) {
            const std::scoped_lock lock(mutex_);
            wish_ = ok.error().code == Errc::busy ? Wish::rebuild : wish_;
            return ok;
        }
    }
    const std::scoped_lock lock(mutex_);
    return applier_.begin(term_);
}

ProjectorRun::Wish ProjectorRun::take_wish() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(wish_, Wish::none);
}

void ProjectorRun::give_lease() {
    if (term_ != 0) {
        lease_.release(lease_name_, term_.exchange(0));
    }
}

Result<void> ProjectorRun::reset(const Position& muted_until) {
    tell(ModelState::rebuilding);
    return target_.reset(muted_until);
}

Result<std::unique_ptr<Subscription>> ProjectorRun::subscribe() {
    Subscribe request;
    request.selection = target_.selection();
    request.events_in_flight = limits::kProjectEventsInFlight;
    request.bytes_in_flight = limits::kProjectBytesInFlight;
    {
        const std::scoped_lock lock(mutex_);
        if (!applier_.position().partitions.empty()) {
            request.start = applier_.position();
        }
        ended_.reset();
        live_ = false;
    }
    const bool complete = version_.progress.status().complete;
    tell(complete ? ModelState::running : ModelState::rebuilding);
    auto subscription = store_.subscribe(request, *this);
    if (subscription) {
        version_.progress.trust(true);
    }
    return subscription;
}

// What was delivered and not taken comes again with the next subscription.
void ProjectorRun::stand_still() {
    std::unique_lock lock(mutex_);
    while (version_.held && !stopping_) {
        changed_.wait_for(lock, kStandstill);
    }
}

ProjectorRun::Next ProjectorRun::once() {
    stand_still();
    if (auto ok = hold_lease(); !ok) {
        const bool fenced = ok.error().code == Errc::fenced;
        const bool held = fenced || ok.error().code == Errc::busy;
        term_ = fenced ? 0 : term_.load();
        tell(held ? ModelState::standby : ModelState::stopped, ok.error());
        return held ? Next::again : Next::stop;
    }
    auto subscription = subscribe();
    if (!subscription) {
        const std::scoped_lock lock(mutex_);
        close({subscription.error(), false, {}, {}, false});
    }
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopping_ || ended_ || wish_ == Wish::rebuild; });
    lock.unlock();
    if (subscription) {
        (*subscription)->unsubscribe();
    }
    lock.lock();
    pause_ = live_ ? std::chrono::milliseconds{0} : pause_;
    if (!ended_) {
        const auto ok = applier_.commit(false);
        ended_ = ok ? Failure{} : Failure{ok.error(), false, {}, {}, false};
        if (ok) {
            return Next::again;
        }
    }
    const Failure failure = *ended_;
    lock.unlock();
    return answer(failure);
}

ProjectorRun::Next ProjectorRun::answer(const Failure& failure) {
    const Error& error = failure.error;
    if (failure.standstill) {
        return Next::again;
    }
    if (is_untrusted(error) && !failure.poison) {
        auto head = store_.position();
        if (!head) {
            return try_again_later(head.error());
        }
        version_.progress.note_error(error);
        if (auto ok = reset(*head); !ok) {
            return answer({ok.error(), false, {}, {}, false});
        }
        return Next::again;
    }
    if (error.code == Errc::fenced) {
        term_ = 0;  // it is another's
        tell(ModelState::standby, error);
        return Next::again;
    }
    if (failure.poison && options_.poison.policy == Poison::Policy::retry) {
        return try_event_again(failure);
    }
    if (!failure.poison && may_pass(error)) {
        return try_again_later(error);
    }
    tell(ModelState::stopped, error);
    return Next::stop;
}

ProjectorRun::Next ProjectorRun::try_again_later(const Error& error) {
    pause_ = std::clamp(pause_ * 2, options_.retry_min, options_.retry_max);
    tell(ModelState::retrying, error);
    pause(pause_);
    return Next::again;
}

ProjectorRun::Next ProjectorRun::try_event_again(const Failure& failure) {
    const Poison& poison = options_.poison;
    if (attempts_.partition != failure.partition || attempts_.offset != failure.offset) {
        attempts_ = {failure.partition, failure.offset, 0};
    }
    if (++attempts_.made >= poison.attempts) {
        attempts_ = {};
        tell(ModelState::stopped, failure.error);
        return Next::stop;
    }
    tell(ModelState::retrying, failure.error);
    const unsigned doublings = std::min(attempts_.made - 1, 20U);
    pause(std::min(poison.backoff * (std::int64_t{1} << doublings), poison.backoff_max));
    return Next::again;
}

void ProjectorRun::pause(std::chrono::milliseconds length) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, length, [&] { return stopping_ || wish_ != Wish::none; });
}

void ProjectorRun::close(Failure failure) {
    ended_ = std::move(failure);
    changed_.notify_all();
}

void ProjectorRun::commit_if(bool wanted, bool complete) {
    if (wanted) {
        if (auto ok = applier_.commit(complete); !ok) {
            close({ok.error(), false, {}, {}, false});
        }
    }
}

// Whether what is delivered is to be applied.
bool ProjectorRun::taking() {
    if (!ended_ && version_.held) {
        Failure standstill;
        standstill.standstill = true;
        close(std::move(standstill));
    }
    return !ended_;
}

void ProjectorRun::on_events(const Delivery& delivery) {
    const std::scoped_lock lock(mutex_);
    if (!taking()) {
        return;
    }
    if (auto failure = applier_.apply(delivery.events, delivery.position)) {
        close(std::move(*failure));
        return;
    }
    commit_if(live_ || applier_.due(), false);
}

void ProjectorRun::on_checkpoint(const Checkpoint& checkpoint) {
    const std::scoped_lock lock(mutex_);
    if (taking()) {
        applier_.advance(checkpoint.position);
        commit_if(live_ || applier_.due(), false);
    }
}

void ProjectorRun::on_caught_up(const CaughtUp& caught_up) {
    const std::scoped_lock lock(mutex_);
    if (ended_) {
        return;
    }
    live_ = true;
    applier_.advance(caught_up.position);
    tell(ModelState::running);  // before those who wait for the commit ask
    commit_if(true, true);
}

void ProjectorRun::on_fell_behind(const FellBehind&) {
    const std::scoped_lock lock(mutex_);
    live_ = false;
}

void ProjectorRun::on_ended(const Error& reason, const Position&) {
    const std::scoped_lock lock(mutex_);
    if (ended_) {
        return;
    }
    commit_if(true, false);
    if (!ended_) {
        close({reason, false, {}, {}, false});
    }
}

}  // namespace skald::cqrs
