// Requests that wait for room in a full queue (store/queue_gate.h), and those behind them that must
// not overtake: of the same producer or source, or to one of their streams.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "store/volume.h"

namespace skald::store {

// Of whoever prepares. A request stands in a line for each thing that it must not overtake in; who
// is the first in all of its lines may be tried. What becomes of one costs only those that it held
// up, however many wait.
class WaitingRoom {
  public:
    class Waiter;

    bool empty() const { return waiters_.empty(); }
    // When one is to be tried: the zero of the clock when there is one already.
    std::optional<Monotonic> next_try() const;
    // Whether it must wait for one that does. A control record does not for its stream.
    bool holds_up(const Submission& submission) const;
    // Beyond the bounds of limits::kWaiting... it is refused instead.
    bool has_room(const Submission& submission) const;
    // Copies the request. `until`: it was tried, and waits for room; none: it stands behind others.
    void put(const Submission& submission, Partition partition, Monotonic since,
             std::optional<Monotonic> until);

    // Who waits for it is to be tried.
    void room_in(std::string_view stream);
    void time_is(Monotonic now);
    void try_all();
    // One that is to be tried, and stays where it stands; then stay() or leave(). nullptr: none is.
    Waiter* next();
    void stay(Waiter& waiter, Monotonic until);
    void leave(Waiter& waiter);

  private:
    using Line = std::deque<Waiter*>;  // in the order they came
    using Lines = std::unordered_map<std::string, Line>;

    bool is_first(const Waiter& waiter) const;
    void make_ready(Waiter& waiter);
    void set_until(Waiter& waiter, std::optional<Monotonic> until);

    std::unordered_map<const Waiter*, std::unique_ptr<Waiter>> waiters_;
    Lines lines_;
    std::deque<Waiter*> ready_;
    std::set<std::pair<Monotonic, Waiter*>> dues_;
    std::size_t bytes_ = 0;
};

class WaitingRoom::Waiter {
  public:
    Submission submission;  // of its own bytes
    Partition partition;
    Monotonic since{};

  private:
    friend class WaitingRoom;
    std::string bytes_;
    std::vector<std::string> lines_;
    std::optional<Monotonic> until_;
    bool ready_ = false;
};

}  // namespace skald::store
