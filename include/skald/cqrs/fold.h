// Read models and states folded when they are asked for: nothing is stored, nothing runs.
//
//     auto then = fold(store, orders(1), {.selection = Selection::stream("order-17"),
//                                         .until = AtTime{monday}});
//     auto page = (*then)->view<Order>().where(&Order::customer, "ann").page();
//
// The projection is the one that a projector runs, or would run; its rows answer the same queries.
// It suits what is small: a stream, a category, a query's events; rows as they were at some moment;
// a projection before it is deployed. Every fold reads all of its events.
//
// The first event that fails ends the fold, with the error that stops a projector. Effects are not
// called.
//
// Errors besides those of reading: request_too_large beyond the limits asked for, invalid_argument
// for a version without Selection::stream, not_found for a version that the stream does not have;
// wrong_lineage and log_truncated for a position that is not of this log.
//
// Threads: any; the rows are read-only, and outlive the store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "skald/cqrs/projector.h"
#include "skald/cqrs/read_models.h"
#include "skald/cqrs/repository.h"
#include "skald/cqrs/view.h"
#include "skald/event_store.h"

namespace skald::cqrs {

struct FoldRequest {
    std::optional<Selection> selection{};  // none: the projection's
    // End: all that was there when it began. Position: the events before it. Version: up to and
    // with it. AtTime: the events recorded then or before.
    std::variant<End, Position, Version, AtTime> until = End{};
    // Beyond, request_too_large: events that are read, and bytes of rows with their indexes. A
    // state has no limit of bytes.
    std::uint64_t events_max = 1'000'000;
    std::size_t bytes_max = std::size_t{256} << 20;
};

class MemoryRows;

class FoldedRows {
  public:
    FoldedRows(std::unique_ptr<const MemoryRows> rows, Position position, std::uint64_t events);
    ~FoldedRows();

    // That the rows reflect.
    const Position& position() const { return *position_; }
    std::uint64_t events() const { return events_; }  // handled

    template <Described T>
    View<T, FoldedRows> view() const {
        return View<T, FoldedRows>(*this);
    }
    // As ReadModel's. at_least a position that was not folded is timed_out: fold again.
    Result<RowPage> query(const RowQuery& query) const;
    Result<std::optional<std::string>> get(const KeyValue& key) const;

  private:
    std::unique_ptr<const MemoryRows> rows_;
    std::shared_ptr<const Position> position_;
    std::uint64_t events_;
};

Result<std::unique_ptr<FoldedRows>> fold(EventStore& store, const AnyProjection& projection,
                                         const FoldRequest& request = {});

// The rows that a projection makes of one stream's events, all at once: at most 10,000.
Result<StreamState> fold_stream(EventStore& store, const AnyProjection& projection,
                                const StreamAt& what);

// Calls `apply` with the events of a selection in the order of the log; its error ends the fold.
// The position that was folded to.
Result<Position> fold_events(EventStore& store, const Selection& selection,
                             const FoldRequest& request,
                             const std::function<Result<void>(const EventView&)>& apply);

template <typename State>
struct FoldedState {
    State state;
    Position position;
    std::uint64_t events = 0;
};

// A decider's state (decider.h) out of any selection. Of one stream, Repository::load_at has the
// snapshots; of a query at the end of the log, Decisions::load.
template <typename State>
Result<FoldedState<State>> fold_state(EventStore& store, const Selection& selection,
                                      const FoldRequest& request = {}, State initial = {},
                                      UnknownEvents unknown = UnknownEvents::fail) {
    detail::StateBox<State> box;
    box.state = std::move(initial);
    std::uint64_t events = 0;
    auto position = fold_events(store, selection, request, [&](const EventView& event) {
        ++events;
        return box.apply(event, unknown);
    });
    return position ? Result<FoldedState<State>>(
                          FoldedState<State>{std::move(box.state), std::move(*position), events})
                    : position.error();
}

}  // namespace skald::cqrs
