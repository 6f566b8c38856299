#include "cqrs/model_progress.h"

#include <fmt/format.h>

#include "cqrs/position_order.h"

namespace skald::cqrs {
namespace {

// A rate is of this long at least, so that a lone event does not look like a flood.
constexpr auto kMeasured = std::chrono::seconds(1);

std::string left_text(const Freshness& freshness) {
    std::string text = fmt::format("{} events left", freshness.left);
    if (freshness.eta_s) {
        text += fmt::format(", about {:.1f} s", *freshness.eta_s);
    }
    return text;
}

}  // namespace

std::string_view name_of(ModelState state) {
    switch (state) {
        case ModelState::idle:
            return "idle";
        case ModelState::standby:
            return "standby";
        case ModelState::rebuilding:
            return "rebuilding";
        case ModelState::running:
            return "running";
        case ModelState::retrying:
            return "retrying";
        case ModelState::stopped:
            return "stopped";
    }
    return "";
}

void ModelProgress::set_state(ModelState state, std::optional<Error> error) {
    {
        const std::scoped_lock lock(mutex_);
        state_ = state;
        if (error) {
            error_ = std::move(error);
        }
    }
    changed_.notify_all();
}

void ModelProgress::trust(bool trusted) {
    {
        const std::scoped_lock lock(mutex_);
        trusted_ = trusted;
    }
    changed_.notify_all();
}

void ModelProgress::note_error(const Error& error) {
    const std::scoped_lock lock(mutex_);
    error_ = error;
}

void ModelProgress::reran() {
    const std::scoped_lock lock(mutex_);
    ++reruns_;
}

void ModelProgress::set_checker(std::function<Result<void>(const Position&)> checker) {
    const std::scoped_lock lock(mutex_);
    checker_ = std::move(checker);
}

void ModelProgress::measure(std::uint64_t events) {
    const Monotonic now = clock_.monotonic();
    if (events < measured_events_ || measured_at_ == Monotonic{}) {
        measured_at_ = now;
        measured_events_ = events;
        return;
    }
    const std::chrono::duration<double> passed = now - measured_at_;
    if (passed >= kMeasured) {
        rate_ = static_cast<double>(events - measured_events_) / passed.count();
        measured_at_ = now;
        measured_events_ = events;
    }
}

void ModelProgress::committed(const Committed& now) {
    {
        const std::scoped_lock lock(mutex_);
        committed_ = now;
        advance(now.position);
        measure(now.events);
    }
    changed_.notify_all();
}

void ModelProgress::complete() {
    {
        const std::scoped_lock lock(mutex_);
        committed_.complete = true;
    }
    changed_.notify_all();
}

void ModelProgress::skipped(const Position& position) {
    {
        const std::scoped_lock lock(mutex_);
        advance(position);
    }
    changed_.notify_all();
}

// A subscription that begins anew behind the last commit passes again what was skipped before.
void ModelProgress::advance(const Position& position) {
    if (position.partitions.empty() || covers(position, *reached_)) {
        reached_ = std::make_shared<Position>(position);
    }
}

Freshness ModelProgress::judged(const Position& wanted) const {
    Freshness freshness;
    freshness.position = *reached_;
    freshness.left = left_between(*reached_, wanted);
    if (rate_ > 0) {
        freshness.eta_s = static_cast<double>(freshness.left) / rate_;
    }
    if (trusted_ && committed_.complete && covers(*reached_, wanted)) {
        return freshness;
    }
    if (state_ == ModelState::stopped || state_ == ModelState::idle) {
        freshness.state = Freshness::State::stopped;
        const std::string why = state_ == ModelState::idle ? "no projector is started here"
                                : error_                   ? error_->message
                                                           : "it was stopped";
        freshness.error =
            Error(Errc::store_failed, fmt::format("{}; {}", why, left_text(freshness)));
    } else if (!committed_.complete) {
        freshness.state = Freshness::State::rebuilding;
        freshness.error =
            Error(Errc::not_ready, fmt::format("it is being rebuilt: {}", left_text(freshness)));
    } else {
        freshness.state = Freshness::State::lagging;
        freshness.error = Error(Errc::timed_out,
                                fmt::format("it is behind the position: {}", left_text(freshness)));
    }
    return freshness;
}

Freshness ModelProgress::wait(const Position& wanted, std::chrono::milliseconds most) const {
    std::unique_lock lock(mutex_);
    if (!same_lineage(*reached_, wanted)) {
        const auto checker = checker_;
        lock.unlock();
        auto ok = checker ? checker(wanted)
                          : Error(Errc::wrong_lineage, "the position is of another log");
        lock.lock();
        if (!ok) {
            Freshness freshness;
            freshness.state = Freshness::State::wrong_lineage;
            freshness.position = *reached_;
            freshness.error = ok.error();
            return freshness;
        }
    }
    const auto over = [&] {
        const auto state = judged(wanted).state;
        return state == Freshness::State::reached || state == Freshness::State::stopped;
    };
    changed_.wait_for(lock, most, over);
    return judged(wanted);
}

bool ModelProgress::wait_until(std::chrono::milliseconds most,
                               const std::function<bool()>& reached) const {
    const Monotonic begin = clock_.monotonic();
    std::unique_lock lock(mutex_);
    while (true) {
        const auto seen = reached_;
        lock.unlock();
        if (reached()) {
            return true;
        }
        lock.lock();
        const auto ended = [&] {
            return state_ == ModelState::stopped || state_ == ModelState::idle;
        };
        const auto left = most - (clock_.monotonic() - begin);
        if (left <= Monotonic{} || ended()) {
            return false;
        }
        changed_.wait_for(lock, left, [&] { return reached_ != seen || ended(); });
    }
}

Position ModelProgress::reached() const {
    const std::scoped_lock lock(mutex_);
    return *reached_;
}

Result<std::shared_ptr<const Position>> ModelProgress::position_of(std::uint64_t commits,
                                                                   const std::string& token) const {
    {
        const std::scoped_lock lock(mutex_);
        if (committed_.commits == commits) {
            return reached_;
        }
    }
    if (token.empty()) {
        return std::make_shared<const Position>();
    }
    auto position = parse_position(token);
    if (!position) {
        return position.error();
    }
    return std::make_shared<const Position>(std::move(*position));
}

VersionStatus ModelProgress::status() const {
    const std::scoped_lock lock(mutex_);
    VersionStatus status;
    status.state = state_;
    status.error = error_;
    status.position = *reached_;
    status.events = committed_.events;
    status.parked = committed_.parked;
    status.complete = committed_.complete;
    status.rate = rate_;
    status.reruns = reruns_;
    return status;
}

}  // namespace skald::cqrs
