#include "store/local_subscription.h"

#include <fmt/format.h>

#include <condition_variable>

#include "base/argument_checks.h"
#include "base/last_call.h"
#include "store/reading.h"

namespace skald::store {
namespace {

// Shared by the subscription and its thread: either may go first.
class Walk {
  public:
    Walk(std::unique_ptr<Cursor> cursor, const Subscribe& request, SubscriptionHandler& handler)
        : cursor_(std::move(cursor)),
          budget_{request.events_in_flight, request.bytes_in_flight, request.events_in_flight / 2,
                  request.bytes_in_flight / 2},
          handler_(handler),
          position_(cursor_->position()),
          ephemeral_(request) {}

    void run() {
        bool going = true;
        while (going && !stopped()) {
            const std::uint64_t seen = news();
            auto step = cursor_->next_events(budget_);
            if (!step) {
                end(step.error());
                return;
            }
            going = deliver([&] { return call_handler(*step); });
            if (going && step->end) {
                going = rest(seen);
            }
        }
    }
    // On the publisher's thread.
    void offer(const EphemeralEvent& event) {
        if (cursor_->wants(event.view)) {
            const std::scoped_lock lock(mutex_);
            ephemeral_.offer(event);
        }
        changed_.notify_all();
    }

    void stop() {
        {
            const std::scoped_lock lock(mutex_);
            stopped_ = true;
        }
        changed_.notify_all();
    }
    void wake() {
        {
            const std::scoped_lock lock(mutex_);
            ++news_;
        }
        changed_.notify_all();
    }

  private:
    bool stopped() const {
        const std::scoped_lock lock(mutex_);
        return stopped_;
    }
    std::uint64_t news() const {
        const std::scoped_lock lock(mutex_);
        return news_;
    }
    // Until there is news in the log. False when the subscription ended.
    bool rest(std::uint64_t seen) {
        for (bool news = false; !news;) {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [&] { return stopped_ || news_ != seen || !ephemeral_.empty(); });
            news = stopped_ || news_ != seen;
            const EphemeralQueue::Taken taken = ephemeral_.take();
            lock.unlock();
            const auto call = [&] {
                tell(handler_, taken, [this] { return stopped(); });
                return true;
            };
            if (!taken.empty() && !deliver(call)) {
                return false;
            }
        }
        return true;
    }
    void set_live(bool live) {
        const std::scoped_lock lock(mutex_);
        live_ = live;
        ephemeral_.set_live(live);
    }

    // False when the subscription ended.
    template <typename Call>
    bool deliver(const Call& call) {
        try {
            return call();
        } catch (const std::exception& e) {
            end(Error(Errc::handler_failed, fmt::format("the handler failed: {}", e.what())));
        } catch (...) {
            end(Error(Errc::handler_failed, "the handler failed: it threw no std::exception"));
        }
        return false;
    }

    bool call_handler(const EventStep& step) {
        if (live_ && !step.end) {
            set_live(false);
            handler_.on_fell_behind({position_});
        }
        const Position& reached = cursor_->position();
        if (!step.events.empty() && !stopped()) {
            handler_.on_events({step.events, reached});
        } else if (step.events.empty() && reached != position_ && !stopped()) {
            handler_.on_checkpoint({reached});
        }
        position_ = reached;
        if (step.end && !live_ && !stopped()) {
            set_live(true);
            handler_.on_caught_up({position_});
        }
        return true;
    }

    void end(const Error& reason) {
        if (!stopped()) {
            tell_ended(handler_, reason, position_);
        }
    }

    std::unique_ptr<Cursor> cursor_;
    ReadBudget budget_;
    SubscriptionHandler& handler_;
    Position position_;  // behind what the handler has taken
    bool live_ = false;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t news_ = 0;  // guarded by mutex_, like the next two
    bool stopped_ = false;
    EphemeralQueue ephemeral_;
};

class LocalSubscription final : public Subscription {
  public:
    LocalSubscription(Volume& volume, std::shared_ptr<Walk> walk, bool ephemeral,
                      ThreadKeeper& keeper)
        : walk_(std::move(walk)), keeper_(keeper) {
        watch_ = volume.watch([walk = walk_] { walk->wake(); });
        if (ephemeral) {
            published_ = volume.ephemeral().attach(
                [walk = walk_](const EphemeralEvent& event) { walk->offer(event); });
        }
        thread_ = std::thread([walk = walk_] { walk->run(); });
    }
    ~LocalSubscription() override {
        unsubscribe();
        if (thread_.joinable()) {
            keeper_.keep(std::move(thread_));
        }
    }

    void unsubscribe() override {
        watch_.reset();
        published_.reset();
        walk_->stop();
        if (thread_.joinable() && thread_.get_id() != std::this_thread::get_id()) {
            thread_.join();
        }
    }

  private:
    std::shared_ptr<Walk> walk_;
    ThreadKeeper& keeper_;
    std::shared_ptr<void> watch_;
    std::shared_ptr<void> published_;
    std::thread thread_;
};

}  // namespace

ThreadKeeper::~ThreadKeeper() {
    for (std::thread& thread : threads_) {
        thread.join();
    }
}

void ThreadKeeper::keep(std::thread thread) {
    const std::scoped_lock lock(mutex_);
    threads_.push_back(std::move(thread));
}

Result<std::unique_ptr<Subscription>> subscribe_local(Volume& volume, const Subscribe& request,
                                                      SubscriptionHandler& handler,
                                                      ThreadKeeper& keeper) {
    if (auto ok = check_credit(request); !ok) {
        return ok.error();
    }
    CursorOptions options;
    options.selection = request.selection;
    options.start = request.start;
    auto cursor = volume.cursor(options);
    if (!cursor) {
        return cursor.error();
    }
    auto walk = std::make_shared<Walk>(std::move(*cursor), request, handler);
    return std::unique_ptr<Subscription>(
        std::make_unique<LocalSubscription>(volume, std::move(walk), request.ephemeral, keeper));
}

}  // namespace skald::store
