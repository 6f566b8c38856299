#include "client/remote_coord.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/call_gate.h"
#include "base/out_of_reach.h"
#include "client/limits.h"
#include "skald/client.h"
#include "wire/coord_messages.h"

namespace skald {
namespace client {
namespace {

using coord::KeyRange;
using coord::LeaseId;
using coord::Listing;
using coord::Reading;
using coord::Revision;
using coord::TxnResult;
using coord::WatchEnd;
using std::chrono::milliseconds;
using wire::CoordReply;
using wire::CoordRequest;
using wire::CoordVerb;

constexpr milliseconds kPollWait{10'000};
constexpr milliseconds kRetryPause{50};

// Counted as long as anything of it is left: a poll under way, too.
struct Watching {
    Watching(KeyRange of, Revision from, coord::WatchHandler with,
             std::shared_ptr<std::atomic<std::size_t>> watches)
        : keys(std::move(of)), next(from), handler(std::move(with)), count(std::move(watches)) {
        ++*count;
    }
    ~Watching() { --*count; }
    Watching(const Watching&) = delete;
    Watching& operator=(const Watching&) = delete;
    const KeyRange keys;
    Revision next;  // of the thread, like the next two
    const coord::WatchHandler handler;
    std::optional<Monotonic> lost_at;  // unless the node is heard before
    CallGate gate;
    const std::shared_ptr<std::atomic<std::size_t>> count;
};
using WatchingPtr = std::shared_ptr<Watching>;

// What came for the thread. Outlives the store, for answers that come late.
struct Inbox {
    struct Told {
        WatchingPtr watching;
        Result<CoordReply> reply;
    };
    std::mutex mutex;
    std::condition_variable more;
    std::vector<Told> told;  // guarded by mutex, like the rest; one for each watch
    bool stop = false;
};

class RemoteWatch final : public coord::Watch {
  public:
    explicit RemoteWatch(WatchingPtr watching) : watching_(std::move(watching)) {}
    ~RemoteWatch() override { watching_->gate.close(); }

  private:
    const WatchingPtr watching_;
};

class RemoteCoord final : public coord::Coord {
  public:
    RemoteCoord(std::unique_ptr<Services> services, milliseconds timeout)
        : services_(std::move(services)), timeout_(timeout), thread_([this] { run(); }) {}
    ~RemoteCoord() override {
        {
            const std::lock_guard lock(inbox_->mutex);
            inbox_->stop = true;
            inbox_->more.notify_one();
        }
        thread_.join();
    }
    RemoteCoord(const RemoteCoord&) = delete;
    RemoteCoord& operator=(const RemoteCoord&) = delete;

    Result<Listing> get(const KeyRange& keys, Reading reading) override {
        CoordRequest request;
        request.keys = keys;
        request.reading = reading;
        auto reply = ask(request);
        if (!reply) {
            return reply.error();
        }
        if (reply->found.size() != 1) {
            return Error(Errc::malformed, "the node lists no keys");
        }
        return Listing{std::move(reply->found.front()), reply->revision};
    }

    Result<TxnResult> txn(const coord::Txn& txn) override {
        CoordRequest request;
        request.verb = CoordVerb::txn;
        request.txn = txn;
        auto reply = ask(request);
        return reply
                   ? Result<TxnResult>({reply->succeeded, reply->revision, std::move(reply->found)})
                   : reply.error();
    }

    Result<LeaseId> grant(milliseconds ttl) override {
        CoordRequest request;
        request.verb = CoordVerb::grant;
        request.ttl = ttl;
        const auto reply = ask(request);
        return reply ? Result<LeaseId>(reply->lease) : reply.error();
    }
    Result<void> keep_alive(LeaseId lease) override { return of(CoordVerb::keep_alive, lease); }
    Result<void> revoke(LeaseId lease) override { return of(CoordVerb::revoke, lease); }

    Result<std::unique_ptr<coord::Watch>> watch(const KeyRange& keys, Revision from,
                                                coord::WatchHandler handler) override {
        if (const std::size_t count = *watches_; count >= kWatchesMax) {
            return Error(Errc::busy, fmt::format("{} watches stand, or ended some seconds ago: all "
                                                 "that a client has",
                                                 count));
        }
        auto watching = std::make_shared<Watching>(keys, from, std::move(handler), watches_);
        std::unique_ptr<coord::Watch> watch = std::make_unique<RemoteWatch>(watching);
        poll(watching, kPollWait);
        return watch;
    }

  private:
    Result<void> of(CoordVerb verb, LeaseId lease) {
        CoordRequest request;
        request.verb = verb;
        request.lease = lease;
        const auto reply = ask(request);
        return reply ? Result<void>() : reply.error();
    }

    Result<CoordReply> ask(const CoordRequest& request) {
        const auto reply = services_->request(wire::kCoordService, wire::encode(request), timeout_);
        return reply ? decode(*reply) : reply.error();
    }
    // A string's bytes are aligned for any type.
    static Result<CoordReply> decode(const std::string& reply) {
        return wire::decode_coord_reply(as_bytes(reply));
    }

    void poll(const WatchingPtr& watching, milliseconds wait) {
        CoordRequest request;
        request.verb = CoordVerb::poll;
        request.keys = watching->keys;
        request.from = watching->next;
        request.wait = wait;
        services_->begin_request(wire::kCoordPolls, wire::encode(request), wait + timeout_,
                                 [inbox = inbox_, watching](const Result<std::string>& reply) {
                                     auto told =
                                         reply ? decode(*reply) : Result<CoordReply>(reply.error());
                                     const std::lock_guard lock(inbox->mutex);
                                     inbox->told.push_back({watching, std::move(told)});
                                     inbox->more.notify_one();
                                 });
    }

    // ---- the thread

    void run() {
        for (;;) {
            std::vector<Inbox::Told> told;
            {
                std::unique_lock lock(inbox_->mutex);
                const auto something = [this] { return inbox_->stop || !inbox_->told.empty(); };
                if (retries_.empty()) {
                    inbox_->more.wait(lock, something);
                } else if (const Monotonic now = clock_.monotonic();
                           retries_.begin()->first > now) {
                    inbox_->more.wait_for(lock, retries_.begin()->first - now, something);
                }
                if (inbox_->stop) {
                    return;
                }
                told.swap(inbox_->told);
            }
            for (Inbox::Told& each : told) {
                tell(each.watching, each.reply);
            }
            while (!retries_.empty() && retries_.begin()->first <= clock_.monotonic()) {
                const WatchingPtr watching = std::move(retries_.begin()->second);
                retries_.erase(retries_.begin());
                if (watching->gate.open()) {
                    poll(watching, milliseconds(0));
                }
            }
        }
    }

    void tell(const WatchingPtr& watching, const Result<CoordReply>& reply) {
        if (!watching->gate.open()) {
            return;
        }
        if (!reply) {
            fail(watching, reply.error());
            return;
        }
        watching->lost_at.reset();
        for (const wire::CoordRevised& revised : reply->news) {
            watching->next = revised.revision + 1;
            watching->gate.enter(
                [&] { watching->handler.on_changes(revised.revision, revised.changes); });
        }
        watching->next = std::max(watching->next, reply->revision + 1);
        if (reply->end) {
            end(watching, *reply->end);
        } else if (watching->gate.open()) {
            poll(watching, kPollWait);
        }
    }

    void fail(const WatchingPtr& watching, const Error& why) {
        const Monotonic now = clock_.monotonic();
        if (!watching->lost_at) {
            watching->lost_at = now + timeout_;
        }
        if (!out_of_reach(why) || now >= *watching->lost_at) {
            end(watching, WatchEnd::lost);
        } else {
            retries_.emplace(now + kRetryPause, watching);
        }
    }

    static void end(const WatchingPtr& watching, WatchEnd why) {
        watching->gate.enter([&] {
            if (watching->handler.on_end) {
                watching->handler.on_end(why);
            }
        });
    }

    const std::unique_ptr<Services> services_;
    const milliseconds timeout_;
    const Clock& clock_ = SystemClock::instance();
    const std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
    const std::shared_ptr<std::atomic<std::size_t>> watches_ =
        std::make_shared<std::atomic<std::size_t>>(0);
    std::multimap<Monotonic, WatchingPtr> retries_;  // of the thread
    std::thread thread_;
};

}  // namespace

std::unique_ptr<coord::Coord> coord_over(std::unique_ptr<Services> services, milliseconds timeout) {
    return std::make_unique<RemoteCoord>(std::move(services), timeout);
}

}  // namespace client

namespace coord {

Result<std::unique_ptr<Coord>> connect_coord(const ClientOptions& options) {
    auto services = connect_services(options);
    if (!services) {
        return services.error();
    }
    return client::coord_over(std::move(*services), options.timeout);
}

}  // namespace coord
}  // namespace skald
