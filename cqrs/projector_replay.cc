#include <fmt/format.h>

#include "cqrs/limits.h"
#include "cqrs/projector_run.h"

namespace skald::cqrs {

Result<std::vector<ParkedEvent>> ProjectorRun::parked(std::string_view key) const {
    auto found = target_.parked(key, limits::kParkedListMax);
    if (!found) {
        return found.error();
    }
    std::vector<ParkedEvent> events;
    for (ParkedEvents::Numbered& each : *found) {
        events.push_back(std::move(each.event));
    }
    return events;
}

Result<std::vector<ProjectorRun::Parked>> ProjectorRun::read_parked(std::string_view key) const {
    auto found = target_.parked(key, limits::kReplayEvents);
    if (!found) {
        return found.error();
    }
    std::vector<Parked> events;
    for (ParkedEvents::Numbered& each : *found) {
        Read read;
        read.selection = Selection::stream(each.event.stream);
        read.start = each.event.version;
        read.limit = 1;
        auto page = store_.read(read);
        if (!page) {
            return page.error();
        }
        if (page->events.empty() || page->events[0].version != each.event.version) {
            return Error(Errc::not_found,
                         fmt::format("the log no longer has the parked event: stream {} version {}",
                                     each.event.stream, each.event.version.value));
        }
        events.push_back({std::move(each), std::move(*page)});
    }
    return events;
}

Result<bool> ProjectorRun::replay_some(const std::vector<Parked>& events, Replayed& replayed) {
    const std::scoped_lock lock(mutex_);
    if (ended_ || stopping_) {
        return Error(Errc::not_ready, "the projector is not running");
    }
    // What is open belongs before the parked events, and fails by itself.
    commit_if(true, false);
    bool good = !ended_;
    std::uint64_t projected = 0;
    for (std::size_t i = 0; good && i < events.size(); ++i) {
        auto ok = applier_.replay(events[i].event, events[i].page.events[0]);
        if (!ok) {
            close({ok.error(), false, {}, {}, false});
            return ok.error();
        }
        good = *ok;
        projected += good ? 1 : 0;
        if (!good) {
            replayed.error = applier_.replay_error();
        }
    }
    commit_if(!ended_, false);
    if (ended_) {
        return ended_->error;
    }
    replayed.events += projected;
    return good;
}

Result<Replayed> ProjectorRun::replay(std::string_view key) {
    const std::scoped_lock one(replaying_);
    Replayed replayed;
    while (true) {
        auto events = read_parked(key);
        if (!events) {
            return events.error();
        }
        if (events->empty() && replayed.events == 0) {
            return Error(Errc::not_found, fmt::format("nothing is parked under {}", key));
        }
        if (events->empty()) {
            return replayed;
        }
        auto good = replay_some(*events, replayed);
        if (!good) {
            return good.error();
        }
        if (!*good) {
            return replayed;
        }
    }
}

}  // namespace skald::cqrs
