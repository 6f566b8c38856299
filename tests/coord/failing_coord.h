// A store in front of another one, which goes wrong when told to.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "skald/coord.h"

namespace skald::coord {

// Thread safe.
class FailingCoord final : public Coord {
  public:
    explicit FailingCoord(Coord& coord) : coord_(&coord) {}

    // What stands behind it from now on.
    void replace(Coord& coord) { coord_ = &coord; }

    // Each call ends so from now on.
    void fail(std::optional<Error> why) {
        const std::lock_guard lock(mutex_);
        failure_ = std::move(why);
    }
    // The next get() ends so.
    void fail_next_get(Error why) {
        const std::lock_guard lock(mutex_);
        get_failure_ = std::move(why);
    }
    // All watches that stand.
    void end_watches(WatchEnd why) {
        std::list<std::shared_ptr<Watched>> watched;
        {
            const std::lock_guard lock(mutex_);
            watched = watched_;
        }
        for (const auto& each : watched) {
            each->end(why);
        }
    }
    // In place of the next transaction that changes something, which `next` may carry out.
    void instead(std::function<Result<TxnResult>(Coord& coord, const Txn& txn)> next) {
        const std::lock_guard lock(mutex_);
        instead_ = std::move(next);
    }
    // Some transactions that change something are done, some are not, and nobody hears of either.
    void lose_answers() { loses_answers_ = true; }
    int reads() const { return count(reads_); }
    int watches() const { return count(watches_); }
    std::size_t watches_standing() const {
        const std::lock_guard lock(mutex_);
        return watched_.size();
    }
    // Leases that were, once each time.
    int kept_alive() const { return count(kept_); }

    Result<Listing> get(const KeyRange& keys, Reading reading) override {
        auto why = failure(reads_);
        if (!why) {
            const std::lock_guard lock(mutex_);
            why.swap(get_failure_);
        }
        return why ? Result<Listing>(*why) : coord_.load()->get(keys, reading);
    }
    Result<TxnResult> txn(const Txn& txn) override {
        bool changes = false;
        for (const Operation& operation : txn.then) {
            changes = changes || !std::holds_alternative<Get>(operation);
        }
        int ignored = 0;
        if (const auto why = failure(changes ? ignored : reads_)) {
            return *why;
        }
        std::function<Result<TxnResult>(Coord&, const Txn&)> next;
        {
            const std::lock_guard lock(mutex_);
            if (changes) {
                next.swap(instead_);
            }
        }
        if (!next && changes && loses_answers_) {
            return lose(txn);
        }
        return next ? next(*coord_, txn) : coord_.load()->txn(txn);
    }
    Result<LeaseId> grant(std::chrono::milliseconds ttl) override {
        const auto why = failure(grants_);
        return why ? Result<LeaseId>(*why) : coord_.load()->grant(ttl);
    }
    Result<void> keep_alive(LeaseId lease) override {
        const auto why = failure(tried_);
        const auto kept = why ? Result<void>(*why) : coord_.load()->keep_alive(lease);
        const std::lock_guard lock(mutex_);
        kept_ += kept ? 1 : 0;
        return kept;
    }
    Result<void> revoke(LeaseId lease) override {
        const auto why = failure(revokes_);
        return why ? Result<void>(*why) : coord_.load()->revoke(lease);
    }
    Result<std::unique_ptr<Watch>> watch(const KeyRange& keys, Revision from,
                                         WatchHandler handler) override {
        if (const auto why = failure(watches_)) {
            return *why;
        }
        auto watched = std::make_shared<Watched>();
        watched->handler = std::move(handler);
        auto inner =
            coord_.load()->watch(keys, from,
                                 {[watched](Revision revision, const std::vector<Change>& changes) {
                                      const std::lock_guard lock(watched->mutex);
                                      if (!watched->over) {
                                          watched->handler.on_changes(revision, changes);
                                      }
                                  },
                                  [watched](WatchEnd why) { watched->end(why); }});
        if (!inner) {
            return inner.error();
        }
        const std::lock_guard lock(mutex_);
        watched_.push_back(watched);
        return std::unique_ptr<Watch>(
            std::make_unique<Handle>(*this, std::move(watched), std::move(*inner)));
    }

  private:
    struct Watched {
        void end(WatchEnd why) {
            const std::lock_guard lock(mutex);
            if (!std::exchange(over, true) && handler.on_end) {
                handler.on_end(why);
            }
        }
        std::mutex mutex;
        WatchHandler handler;
        bool over = false;  // guarded by mutex
    };
    class Handle final : public Watch {
      public:
        Handle(FailingCoord& coord, std::shared_ptr<Watched> watched, std::unique_ptr<Watch> inner)
            : coord_(coord), watched_(std::move(watched)), inner_(std::move(inner)) {}
        ~Handle() override {
            inner_.reset();
            {
                const std::lock_guard lock(watched_->mutex);
                watched_->over = true;
            }
            const std::lock_guard lock(coord_.mutex_);
            coord_.watched_.remove(watched_);
        }

      private:
        FailingCoord& coord_;
        const std::shared_ptr<Watched> watched_;
        std::unique_ptr<Watch> inner_;
    };
    Result<TxnResult> lose(const Txn& txn) {
        // 7 in a row, which what is done again and again does not divide.
        enum class Turn { sound, done, not_done };
        using enum Turn;
        static constexpr Turn kTurns[] = {done, not_done, sound, done, sound, not_done, sound};
        const Turn turn = kTurns[++turns_ % 7];
        if (turn == sound) {
            return coord_.load()->txn(txn);
        }
        if (turn == done) {
            (void)coord_.load()->txn(txn);
        }
        return Error(Errc::outcome_unknown, "the line went down meanwhile");
    }
    std::optional<Error> failure(int& calls) {
        const std::lock_guard lock(mutex_);
        ++calls;
        return failure_;
    }
    int count(const int& calls) const {
        const std::lock_guard lock(mutex_);
        return calls;
    }

    std::atomic<Coord*> coord_;
    std::atomic<bool> loses_answers_{false};
    std::atomic<unsigned> turns_{0};
    mutable std::mutex mutex_;
    std::optional<Error> failure_;  // guarded by mutex_, like the rest
    std::optional<Error> get_failure_;
    std::function<Result<TxnResult>(Coord&, const Txn&)> instead_;
    std::list<std::shared_ptr<Watched>> watched_;
    int reads_ = 0;
    int watches_ = 0;
    int grants_ = 0;
    int tried_ = 0;
    int kept_ = 0;
    int revokes_ = 0;
};

}  // namespace skald::coord
