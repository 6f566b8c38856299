// Aggregates in class style, for those who keep state and rules in one object that changes:
//
//     class Ledger : public AggregateRoot<Ledger, Debited, Credited> {
//       public:
//         bool debit(std::int64_t cents) {
//             if (cents > sum_) {
//                 return false;
//             }
//             raise(Debited{cents});
//             return true;
//         }
//         void evolve(const Debited& debited) { sum_ -= debited.cents; }
//         void evolve(const Credited& credited) { sum_ += credited.cents; }
//         ...
//     };
//
// The events and their evolve are those of the decider style, and Repository<Ledger> is the same
// repository: load, load_at, snapshots, cache. In place of execute there are create and save. Rule
// A5.
//
// Threads: one object, one thread.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "skald/cqrs/aggregate_store.h"
#include "skald/cqrs/decider.h"
#include "skald/ids.h"

namespace skald::cqrs {

template <typename Derived, typename... Es>
class AggregateRoot {
  public:
    using Events = EventList<Es...>;
    using Root = AggregateRoot;

    // What was raised and is not saved, in order.
    const std::vector<std::variant<Es...>>& uncommitted() const { return uncommitted_; }
    // Of the last event that is stored; none before the first save.
    std::optional<Version> version() const { return origin_.version; }

  protected:
    // Applies the event at once, and keeps it for save().
    template <typename E>
    requires(Events::template kHolds<E>) void raise(E event) {
        cqrs::evolve(static_cast<Derived&>(*this), event);
        uncommitted_.emplace_back(std::move(event));
    }

  private:
    template <typename State>
    friend class Repository;

    std::vector<std::variant<Es...>> uncommitted_;
    Origin origin_;
};

template <typename State>
concept RootState = requires(const State& state) {
    typename State::Root;
    state.uncommitted();
};

}  // namespace skald::cqrs
