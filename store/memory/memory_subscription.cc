#include "store/memory/memory_subscription.h"

#include <fmt/format.h>

#include <atomic>
#include <thread>

#include "base/last_call.h"

namespace skald::store {
namespace {

class Walk {
  public:
    Walk(std::shared_ptr<MemoryState> state, MemoryCursor cursor, const Subscribe& request,
         SubscriptionHandler& handler)
        : state_(std::move(state)),
          cursor_(std::move(cursor)),
          events_max_(request.events_in_flight),
          bytes_max_(request.bytes_in_flight),
          handler_(handler),
          ephemeral_(request) {
        const std::scoped_lock lock(state_->mutex);
        position_ = cursor_.position(state_->logs);
    }

    void run() {
        bool going = true;
        while (going && !stopped_) {
            const Step step = take();
            going = deliver([&] { call_handler(step); });
            if (going && step.end) {
                going = rest();
            }
        }
    }
    // On the publisher's thread.
    void offer(const EphemeralEvent& event) {
        if (cursor_.selects(event.view)) {
            const std::scoped_lock lock(state_->mutex);
            ephemeral_.offer(event);
        }
        state_->news.notify_all();
    }

    void stop() {
        {
            const std::scoped_lock lock(state_->mutex);
            stopped_ = true;
        }
        state_->news.notify_all();
    }

  private:
    struct Step {
        MemoryEvents taken;
        Position reached;
        bool end;
    };

    Step take() {
        const std::scoped_lock lock(state_->mutex);
        auto step = cursor_.next(state_->logs, events_max_, bytes_max_);
        seen_ = state_->logs.merged.size();
        return {MemoryEvents(std::move(step.records)), cursor_.position(state_->logs), step.end};
    }

    // Until something was appended. False when the subscription ended.
    bool rest() {
        for (bool news = false; !news;) {
            std::unique_lock lock(state_->mutex);
            const auto more = [&] { return stopped_ || state_->logs.merged.size() != seen_; };
            state_->news.wait(lock, [&] { return more() || !ephemeral_.empty(); });
            news = more();
            const EphemeralQueue::Taken taken = ephemeral_.take();
            lock.unlock();
            const auto call = [&] { tell(handler_, taken, [this] { return stopped_.load(); }); };
            if (!taken.empty() && !deliver(call)) {
                return false;
            }
        }
        return true;
    }
    void set_live(bool live) {
        const std::scoped_lock lock(state_->mutex);
        live_ = live;
        ephemeral_.set_live(live);
    }

    // False when the subscription ended.
    template <typename Call>
    bool deliver(const Call& call) {
        try {
            call();
            return true;
        } catch (const std::exception& e) {
            end(fmt::format("the handler failed: {}", e.what()));
        } catch (...) {
            end("the handler failed: it threw no std::exception");
        }
        return false;
    }

    void call_handler(const Step& step) {
        if (live_ && !step.end) {
            set_live(false);
            handler_.on_fell_behind({position_});
        }
        if (!step.taken.events.empty() && !stopped_) {
            handler_.on_events({step.taken.events, step.reached});
        } else if (step.reached != position_ && !stopped_) {
            handler_.on_checkpoint({step.reached});
        }
        position_ = step.reached;
        if (step.end && !live_ && !stopped_) {
            set_live(true);
            handler_.on_caught_up({position_});
        }
    }

    void end(std::string why) {
        if (!stopped_) {
            tell_ended(handler_, Error(Errc::handler_failed, std::move(why)), position_);
        }
    }

    std::shared_ptr<MemoryState> state_;
    MemoryCursor cursor_;
    std::size_t events_max_;
    std::size_t bytes_max_;
    SubscriptionHandler& handler_;
    Position position_;  // behind what the handler has taken
    std::size_t seen_ = 0;
    bool live_ = false;
    EphemeralQueue ephemeral_;           // guarded by the mutex
    std::atomic<bool> stopped_ = false;  // set under the mutex, so that no wake is lost
};

class MemorySubscription final : public Subscription {
  public:
    MemorySubscription(std::shared_ptr<Walk> walk, std::shared_ptr<void> published,
                       ThreadKeeper& keeper)
        : walk_(std::move(walk)),
          published_(std::move(published)),
          keeper_(keeper),
          thread_([walk = walk_] { walk->run(); }) {}
    MemorySubscription(const MemorySubscription&) = delete;
    MemorySubscription& operator=(const MemorySubscription&) = delete;
    ~MemorySubscription() override {
        unsubscribe();
        if (thread_.joinable()) {
            keeper_.keep(std::move(thread_));
        }
    }

    void unsubscribe() override {
        published_.reset();
        walk_->stop();
        if (thread_.joinable() && thread_.get_id() != std::this_thread::get_id()) {
            thread_.join();
        }
    }

  private:
    std::shared_ptr<Walk> walk_;
    std::shared_ptr<void> published_;
    ThreadKeeper& keeper_;
    std::thread thread_;
};

}  // namespace

std::unique_ptr<Subscription> subscribe_memory(std::shared_ptr<MemoryState> state,
                                               MemoryCursor cursor, const Subscribe& request,
                                               SubscriptionHandler& handler, ThreadKeeper& keeper) {
    EphemeralHub& hub = state->ephemeral;
    auto walk = std::make_shared<Walk>(std::move(state), std::move(cursor), request, handler);
    std::shared_ptr<void> published;
    if (request.ephemeral) {
        published = hub.attach([walk](const EphemeralEvent& event) { walk->offer(event); });
    }
    return std::make_unique<MemorySubscription>(std::move(walk), std::move(published), keeper);
}

}  // namespace skald::store
