#include "broker/coord_host.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "broker/limits.h"

namespace skald::broker {

using wire::CoordReply;
using wire::CoordRequest;
using wire::CoordVerb;

namespace {

// A poll's reply takes no more changes once it has so many bytes: the next poll gets them.
constexpr std::size_t kPollBytes = 1 * limits::kMiB;
constexpr std::chrono::milliseconds kPollWaitMax{20'000};
// Each takes as many requests as a worker may: together less than a store has watches.
constexpr int kPollWorkers = 3;

std::size_t size_of(const std::vector<coord::Change>& changes) {
    std::size_t bytes = 0;
    for (const coord::Change& change : changes) {
        bytes += change.entry.key.size() + change.entry.value.size() + sizeof(coord::Change);
    }
    return bytes;
}

Error going_down() {
    return {Errc::shutting_down, "the node is going down"};
}

}  // namespace

Result<std::unique_ptr<CoordHost>> CoordHost::start(Parts parts) {
    std::unique_ptr<CoordHost> host(new CoordHost(parts));
    if (auto ok = host->serve(); !ok) {
        return ok.error();
    }
    host->thread_ = std::thread([host = host.get()] { host->run(); });
    return host;
}

Result<void> CoordHost::serve() {
    const DeferredHandler take = [inbox = inbox_, &clock = parts_.clock](DeferredRequest request) {
        const std::lock_guard lock(inbox->mutex);
        if (inbox->stop) {
            request.reply(going_down());
            return;
        }
        ++inbox->stats.requests;
        const Monotonic deadline = clock.monotonic() + request.left;
        inbox->asked.push_back({std::move(request), deadline});
        inbox->more.notify_one();
    };
    for (int i = 0; i <= kPollWorkers; ++i) {
        auto serving = parts_.workers.serve_later(i == 0 ? wire::kCoordService : wire::kCoordPolls,
                                                  kWorkerCapacityMax, take);
        if (!serving) {
            return serving.error();
        }
        servings_.push_back(std::move(*serving));
    }
    return {};
}

CoordHost::~CoordHost() {
    {
        const std::lock_guard lock(inbox_->mutex);
        inbox_->stop = true;
        inbox_->more.notify_one();
    }
    if (thread_.joinable()) {
        thread_.join();
    }
    servings_.clear();
    // Left there, their replies would keep what hands requests on, and that this inbox.
    std::vector<Asked> asked;
    {
        const std::lock_guard lock(inbox_->mutex);
        asked.swap(inbox_->asked);
    }
    for (Asked& each : asked) {
        each.request.reply(going_down());
    }
    for (auto& [number, poll] : polls_) {
        poll.watch.reset();
        poll.reply(going_down());
    }
}

CoordStats CoordHost::stats() const {
    const std::lock_guard lock(inbox_->mutex);
    return inbox_->stats;
}

// ---- the thread

void CoordHost::run() {
    for (;;) {
        std::vector<Asked> asked;
        std::map<std::uint64_t, Seen> seen;
        {
            std::unique_lock lock(inbox_->mutex);
            inbox_->stats.polls = polls_.size();
            const auto something = [this] {
                return inbox_->stop || !inbox_->asked.empty() || !inbox_->seen.empty();
            };
            const Monotonic now = parts_.clock.monotonic();
            if (dues_.empty()) {
                inbox_->more.wait(lock, something);
            } else if (dues_.begin()->first > now) {
                inbox_->more.wait_for(lock, dues_.begin()->first - now, something);
            }
            if (inbox_->stop) {
                return;
            }
            asked.swap(inbox_->asked);
            seen.swap(inbox_->seen);
        }
        for (auto& [number, told] : seen) {
            end_poll(number, std::move(told));
        }
        for (Asked& each : asked) {
            ask(each);
        }
        end_overdue();
    }
}

void CoordHost::ask(Asked& asked) {
    const Reply& say = asked.request.reply;
    // Nobody would hear of it.
    if (asked.deadline <= parts_.clock.monotonic()) {
        say(Error(Errc::timed_out, "the time was over before the request was begun"));
        return;
    }
    // A string's bytes are aligned for any type.
    const auto request = wire::decode_coord_request(as_bytes(*asked.request.payload));
    if (!request) {
        say(request.error());
        return;
    }
    if (request->verb == CoordVerb::poll) {
        begin_poll(*request, asked.deadline, std::move(asked.request.reply));
        return;
    }
    const auto reply = answer(*request);
    if (!reply) {
        say(reply.error());
        return;
    }
    // Stores bound what they find by what a message holds.
    say(Frame(std::make_shared<const std::string>(wire::encode(*reply))));
}

Result<CoordReply> CoordHost::answer(const CoordRequest& request) {
    CoordReply reply;
    switch (request.verb) {
        case CoordVerb::get: {
            auto listing = parts_.coord.get(request.keys, request.reading);
            if (!listing) {
                return listing.error();
            }
            reply.revision = listing->revision;
            reply.found.push_back(std::move(listing->entries));
            return reply;
        }
        case CoordVerb::txn: {
            auto done = parts_.coord.txn(request.txn);
            if (!done) {
                return done.error();
            }
            reply.succeeded = done->succeeded;
            reply.revision = done->revision;
            reply.found = std::move(done->found);
            return reply;
        }
        case CoordVerb::grant: {
            const auto lease = parts_.coord.grant(request.ttl);
            if (!lease) {
                return lease.error();
            }
            reply.lease = *lease;
            return reply;
        }
        case CoordVerb::keep_alive:
        case CoordVerb::revoke:
            break;
        case CoordVerb::poll:
            return Error(Errc::malformed, "a poll is not asked for here");
    }
    const auto ok = request.verb == CoordVerb::revoke ? parts_.coord.revoke(request.lease)
                                                      : parts_.coord.keep_alive(request.lease);
    return ok ? Result<CoordReply>(std::move(reply)) : ok.error();
}

// ---- polls

void CoordHost::begin_poll(const CoordRequest& request, Monotonic deadline, Reply reply) {
    const std::uint64_t number = ++last_poll_;
    auto watch = parts_.coord.watch(request.keys, request.from, handler_of(number));
    if (!watch) {
        reply(watch.error());
        return;
    }
    const Monotonic due = std::min<Monotonic>(
        parts_.clock.monotonic() + std::min(request.wait, kPollWaitMax), deadline);
    polls_[number] = {std::move(reply), due, std::move(*watch)};
    dues_.emplace(due, number);
}

coord::WatchHandler CoordHost::handler_of(std::uint64_t poll) {
    const auto note = [inbox = inbox_, poll](const auto& add) {
        const std::lock_guard lock(inbox->mutex);
        Seen& seen = inbox->seen[poll];
        if (seen.reply.end || seen.bytes >= kPollBytes) {
            seen.cut = true;
            return;
        }
        add(seen);
        inbox->more.notify_one();
    };
    return {[note](coord::Revision revision, const std::vector<coord::Change>& changes) {
                note([&](Seen& seen) {
                    seen.reply.news.push_back({revision, changes});
                    seen.bytes += size_of(changes);
                });
            },
            [note](coord::WatchEnd why) { note([&](Seen& seen) { seen.reply.end = why; }); }};
}

void CoordHost::end_poll(std::uint64_t number, Seen told) {
    const auto it = polls_.find(number);
    if (it == polls_.end()) {
        return;
    }
    Poll poll = std::move(it->second);
    polls_.erase(it);
    dues_.erase({poll.due, number});
    poll.watch.reset();
    {
        // What it was told since: the next poll gets it.
        const std::lock_guard lock(inbox_->mutex);
        inbox_->seen.erase(number);
    }
    auto bytes = std::make_shared<const std::string>(wire::encode(told.reply));
    if (bytes->size() > limits::kRequestBytesMax) {
        CoordReply too_much;
        too_much.end = coord::WatchEnd::compacted;
        bytes = std::make_shared<const std::string>(wire::encode(too_much));
    }
    poll.reply(Frame(std::move(bytes)));
}

// With how far its watch was told, so that the next poll begins there, however long its keys were
// quiet.
void CoordHost::end_overdue() {
    const Monotonic now = parts_.clock.monotonic();
    while (!dues_.empty() && dues_.begin()->first <= now) {
        const std::uint64_t number = dues_.begin()->second;
        const coord::Revision told = polls_.at(number).watch->told();
        Seen seen;
        {
            const std::lock_guard lock(inbox_->mutex);
            if (const auto it = inbox_->seen.find(number); it != inbox_->seen.end()) {
                seen = std::move(it->second);
            }
        }
        if (!seen.cut && !seen.reply.end) {
            seen.reply.revision = told;
        }
        end_poll(number, std::move(seen));
    }
}

}  // namespace skald::broker
