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
          handler_(handler) {
        const std::scoped_lock lock(state_->mutex);
        position_ = cursor_.position(state_->logs);
    }

    void run() {
        while (!stopped_) {
            const Step step = take();
            if (!deliver(step)) {
                return;
            }
            if (step.end) {
                wait();
            }
        }
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

    void wait() {
        std::unique_lock lock(state_->mutex);
        state_->news.wait(lock, [&] { return stopped_ || state_->logs.merged.size() != seen_; });
    }

    // False when the subscription ended.
    bool deliver(const Step& step) {
        try {
            call_handler(step);
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
            live_ = false;
            handler_.on_fell_behind({position_});
        }
        if (!step.taken.events.empty() && !stopped_) {
            handler_.on_events({step.taken.events, step.reached});
        } else if (step.reached != position_ && !stopped_) {
            handler_.on_checkpoint({step.reached});
        }
        position_ = step.reached;
        if (step.end && !live_ && !stopped_) {
            live_ = true;
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
    std::atomic<bool> stopped_ = false;  // set under the mutex, so that no wake is lost
};

class MemorySubscription final : public Subscription {
  public:
    MemorySubscription(std::shared_ptr<Walk> walk, ThreadKeeper& keeper)
        : walk_(std::move(walk)), keeper_(keeper), thread_([walk = walk_] { walk->run(); }) {}
    MemorySubscription(const MemorySubscription&) = delete;
    MemorySubscription& operator=(const MemorySubscription&) = delete;
    ~MemorySubscription() override {
        unsubscribe();
        if (thread_.joinable()) {
            keeper_.keep(std::move(thread_));
        }
    }

    void unsubscribe() override {
        walk_->stop();
        if (thread_.joinable() && thread_.get_id() != std::this_thread::get_id()) {
            thread_.join();
        }
    }

  private:
    std::shared_ptr<Walk> walk_;
    ThreadKeeper& keeper_;
    std::thread thread_;
};

}  // namespace

std::unique_ptr<Subscription> subscribe_memory(std::shared_ptr<MemoryState> state,
                                               MemoryCursor cursor, const Subscribe& request,
                                               SubscriptionHandler& handler, ThreadKeeper& keeper) {
    auto walk = std::make_shared<Walk>(std::move(state), std::move(cursor), request, handler);
    return std::make_unique<MemorySubscription>(std::move(walk), keeper);
}

}  // namespace skald::store
