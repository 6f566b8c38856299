#include "store/waiting_room.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "base/limits.h"

namespace skald::store {
namespace {

std::string stream_line(std::string_view stream) {
    return "stream " + std::string(stream);
}

// Of all that it must not overtake in.
std::vector<std::string> lines_of(const Submission& submission) {
    std::vector<std::string> lines;
    if (submission.producer) {
        std::string& line = lines.emplace_back("producer ");
        append_as(line, submission.producer->id.bytes);
    }
    if (submission.source != 0) {
        append_as(lines.emplace_back("source "), submission.source);
    }
    const wire::RequestView& request = submission.request;
    for (std::uint32_t i = 0; !request.control() && i < request.header().streams; ++i) {
        lines.push_back(stream_line(request.name(request.stream(i).name)));
    }
    return lines;
}

}  // namespace

std::optional<Monotonic> WaitingRoom::next_try() const {
    if (!ready_.empty()) {
        return Monotonic{};
    }
    return dues_.empty() ? std::nullopt : std::optional(dues_.begin()->first);
}

bool WaitingRoom::holds_up(const Submission& submission) const {
    if (empty()) {
        return false;
    }
    const auto lines = lines_of(submission);
    return std::any_of(lines.begin(), lines.end(),
                       [this](const std::string& line) { return lines_.contains(line); });
}

bool WaitingRoom::has_room(const Submission& submission) const {
    return waiters_.size() < limits::kWaitingRequestsMax &&
           bytes_ + submission.request.bytes().size() <= limits::kWaitingBytesMax;
}

void WaitingRoom::put(const Submission& submission, Partition partition, Monotonic since,
                      std::optional<Monotonic> until) {
    auto owned = std::make_unique<Waiter>();
    Waiter& waiter = *owned;
    waiter.bytes_ = as_text(submission.request.bytes());
    auto view = wire::RequestView::open(as_bytes(waiter.bytes_), submission.request.control());
    SKALD_CHECK(view, "the copy of a request is one");
    waiter.submission = submission;
    waiter.submission.request = *view;
    waiter.partition = partition;
    waiter.since = since;
    waiter.lines_ = lines_of(submission);
    for (const std::string& line : waiter.lines_) {
        lines_[line].push_back(&waiter);
    }
    bytes_ += waiter.bytes_.size();
    waiters_.emplace(&waiter, std::move(owned));
    set_until(waiter, until);
}

void WaitingRoom::set_until(Waiter& waiter, std::optional<Monotonic> until) {
    if (waiter.until_) {
        dues_.erase({*waiter.until_, &waiter});
    }
    waiter.until_ = until;
    if (until) {
        dues_.emplace(*until, &waiter);
    }
}

bool WaitingRoom::is_first(const Waiter& waiter) const {
    return std::all_of(waiter.lines_.begin(), waiter.lines_.end(),
                       [&](const std::string& line) { return lines_.at(line).front() == &waiter; });
}

void WaitingRoom::make_ready(Waiter& waiter) {
    if (!waiter.ready_ && is_first(waiter)) {
        waiter.ready_ = true;
        ready_.push_back(&waiter);
    }
}

void WaitingRoom::room_in(std::string_view stream) {
    if (const auto line = lines_.find(stream_line(stream)); line != lines_.end()) {
        make_ready(*line->second.front());
    }
}

void WaitingRoom::time_is(Monotonic now) {
    for (auto it = dues_.begin(); it != dues_.end() && it->first <= now; ++it) {
        make_ready(*it->second);
    }
}

void WaitingRoom::try_all() {
    for (const auto& [key, waiter] : waiters_) {
        make_ready(*waiter);
    }
}

WaitingRoom::Waiter* WaitingRoom::next() {
    if (ready_.empty()) {
        return nullptr;
    }
    Waiter* const waiter = ready_.front();
    ready_.pop_front();
    waiter->ready_ = false;
    return waiter;
}

void WaitingRoom::stay(Waiter& waiter, Monotonic until) {
    set_until(waiter, until);
}

void WaitingRoom::leave(Waiter& waiter) {
    set_until(waiter, std::nullopt);
    std::vector<Waiter*> behind;
    for (const std::string& name : waiter.lines_) {
        const auto line = lines_.find(name);
        line->second.pop_front();
        if (line->second.empty()) {
            lines_.erase(line);
        } else {
            behind.push_back(line->second.front());
        }
    }
    bytes_ -= waiter.bytes_.size();
    waiters_.erase(&waiter);
    for (Waiter* next : behind) {
        make_ready(*next);
    }
}

}  // namespace skald::store
