#pragma once

#include <utility>

#include "tests/cli/small_store.h"

namespace skald::cli {

// Hands a subscription its events on a thread.
class SmallStore::Feed final : public Subscription {
  public:
    Feed(SmallStore& store, Subscribe request, std::uint64_t from, SubscriptionHandler& handler)
        : store_(store), request_(std::move(request)), next_(from), handler_(handler) {
        const std::lock_guard lock(store_.mutex_);
        store_.feeds_.insert(this);
        thread_ = std::thread([this] { run(); });
    }
    ~Feed() override { unsubscribe(); }

    bool told() const { return told_; }
    // With the store's lock held. On the thread of the publisher: this is a test's store.
    void tell(const std::function<void(SubscriptionHandler&)>& call) {
        if (told_ && request_.ephemeral && !stopped_) {
            call(handler_);
        }
    }

    void unsubscribe() override {
        {
            const std::lock_guard lock(store_.mutex_);
            stopped_ = true;
            store_.feeds_.erase(this);
            store_.grown_.notify_all();
        }
        if (thread_.joinable()) {
            thread_.join();
        }
    }

  private:
    void run() {
        std::unique_lock lock(store_.mutex_);
        bool told = false;
        while (!stopped_) {
            const std::vector<EventView> events = take();
            const Position position = store_.position_at(next_);
            const std::optional<Error> end = store_.end_subscriptions_;
            lock.unlock();
            if (!events.empty()) {
                handler_.on_events({events, position});
            }
            if (!std::exchange(told, true)) {
                handler_.on_caught_up({position});
            }
            if (end) {
                handler_.on_ended(*end, position);
            }
            lock.lock();
            told_ = true;
            store_.grown_.notify_all();
            store_.grown_.wait(lock, [&] { return stopped_ || next_ < store_.log_.size(); });
        }
    }

    std::vector<EventView> take() {
        std::vector<EventView> events;
        for (; next_ < store_.log_.size(); ++next_) {
            const Stored& stored = store_.log_[next_];
            if (store_.visible(stored, request_.selection)) {
                events.push_back(stored.view);
            }
        }
        return events;
    }

    SmallStore& store_;
    const Subscribe request_;
    std::uint64_t next_;
    SubscriptionHandler& handler_;
    bool stopped_ = false;
    bool told_ = false;  // that it is caught up
    std::thread thread_;
};

}  // namespace skald::cli
