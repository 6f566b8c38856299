// What a customer's orders amount to, kept up to date by a live query.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "orders.h"
#include "skald/cqrs/view.h"

namespace shop {

using skald::cqrs::LiveDeltas;
using skald::cqrs::LiveOp;
using skald::cqrs::LiveSnapshot;

class Board final : public skald::cqrs::LiveHandler<Order> {
  public:
    void on_snapshot(const LiveSnapshot<Order>& snapshot) override {
        const std::scoped_lock lock(mutex_);
        cents_.clear();
        for (const auto& each : snapshot.rows) {
            cents_[each.key] = each.row.cents;
        }
        changed_.notify_all();
    }
    void on_deltas(const LiveDeltas<Order>& deltas) override {
        const std::scoped_lock lock(mutex_);
        for (const auto& each : deltas.deltas) {
            if (each.op == LiveOp::put) {
                cents_[each.key] = each.row.cents;
            } else {
                cents_.erase(each.key);
            }
        }
        changed_.notify_all();
    }

    bool wait_for_total(std::int64_t cents, std::chrono::seconds most) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, most, [&] {
            std::int64_t total = 0;
            for (const auto& [order, its] : cents_) {
                total += its;
            }
            return total == cents;
        });
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, std::int64_t> cents_;
};

}  // namespace shop
