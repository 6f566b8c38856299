// Applies what a live query tells, keeps every state it passes, and notes what must not be told.
#pragma once

#include <chrono>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "skald/cqrs/live_query.h"

namespace skald::cqrs {

class Follower : public LiveHandler<std::string> {
  public:
    struct State {
        Position position;
        std::uint32_t version = 0;
        std::set<std::string> rows;
    };

    void on_snapshot(const LiveSnapshot<std::string>& snapshot) override {
        const std::scoped_lock lock(mutex_);
        expect(!follows_, "a snapshot without a resync");
        follows_ = true;
        order_.clear();
        for (const auto& row : snapshot.rows) {
            expect(rows_.emplace(row.key, row.row).second, "a key twice in a snapshot");
            order_.push_back(row.key);
        }
        ++snapshots_;
        keep(snapshot.position, snapshot.version);
    }
    void on_deltas(const LiveDeltas<std::string>& deltas) override {
        const std::scoped_lock lock(mutex_);
        expect(follows_, "deltas without a snapshot");
        expect(!deltas.deltas.empty(), "no deltas");
        for (const auto& delta : deltas.deltas) {
            const auto held = rows_.find(delta.key);
            if (delta.op == LiveOp::put) {
                expect(held == rows_.end() || held->second != delta.row, "a put of what is there");
                rows_[delta.key] = delta.row;
            } else {
                expect(held != rows_.end() && held->second == delta.row, "removed: another row");
                rows_.erase(delta.key);
            }
            ++deltas_;
        }
        keep(deltas.position, deltas.version);
    }
    void on_resync(Resync why) override {
        const std::scoped_lock lock(mutex_);
        expect(follows_, "a resync without a snapshot");
        follows_ = false;
        rows_.clear();
        resyncs_.push_back(why);
        changed_.notify_all();
    }
    void on_ended(const Error& reason) override {
        const std::scoped_lock lock(mutex_);
        expect(!ended_, "it ended twice");
        ended_ = reason;
        changed_.notify_all();
    }

    // False when a minute was not enough.
    template <typename Reached>
    bool wait(const Reached& reached) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::minutes(1), reached);
    }
    // For wait().
    std::size_t states_seen() const { return states_.size(); }
    std::size_t resyncs_seen() const { return resyncs_.size(); }

    bool wait_for_rows(const std::set<std::string>& rows) {
        return wait([&] { return follows_ && values() == rows; });
    }
    bool wait_for_resyncs(std::size_t count) {
        return wait([&] { return resyncs_.size() >= count && follows_; });
    }
    std::optional<Error> wait_for_end() {
        wait([&] { return ended_.has_value(); });
        const std::scoped_lock lock(mutex_);
        return ended_;
    }

    std::vector<State> states() const { return locked(states_); }
    std::vector<std::string> faults() const { return locked(faults_); }
    std::vector<Resync> resyncs() const { return locked(resyncs_); }
    std::vector<std::string> order() const { return locked(order_); }  // keys of the last snapshot
    std::map<std::string, std::string> rows() const { return locked(rows_); }
    std::optional<Error> ended() const { return locked(ended_); }
    std::size_t deltas() const { return locked(deltas_); }
    std::size_t snapshots() const { return locked(snapshots_); }

  private:
    template <typename T>
    T locked(const T& value) const {
        const std::scoped_lock lock(mutex_);
        return value;
    }
    void expect(bool good, const char* fault) {
        if (!good || ended_) {
            faults_.emplace_back(good ? "called after the end" : fault);
        }
    }
    std::set<std::string> values() const {
        std::set<std::string> values;
        for (const auto& [key, row] : rows_) {
            values.insert(row);
        }
        return values;
    }
    void keep(const Position& position, std::uint32_t version) {
        states_.push_back({position, version, values()});
        changed_.notify_all();
    }

    mutable std::mutex mutex_;  // guards all below
    std::condition_variable changed_;
    std::map<std::string, std::string> rows_;
    std::vector<std::string> order_;
    std::vector<State> states_;
    std::vector<std::string> faults_;
    std::vector<Resync> resyncs_;
    std::optional<Error> ended_;
    std::size_t deltas_ = 0;
    std::size_t snapshots_ = 0;
    bool follows_ = false;
};

// Waits in its first on_deltas until it is released.
class Slow final : public Follower {
  public:
    void on_deltas(const LiveDeltas<std::string>& deltas) override {
        if (!waited_) {
            waited_ = true;
            begun.set_value();
            release.get_future().wait();
        }
        Follower::on_deltas(deltas);
    }
    std::promise<void> begun;
    std::promise<void> release;

  private:
    bool waited_ = false;
};

}  // namespace skald::cqrs
