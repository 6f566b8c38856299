// Rows that change in the very commit of the events that change them:
//
//     auto accounts = InlineProjection::attach(**store, balances.build());
//     const auto receipt = (*store)->append(...);
//     const auto row = View<Balance>((*accounts)->model()).get("ann");  // reflects it
//
// The same Projection<Row> (projection.h) as for a projector, for a log in this process: what
// open_store() gave, or Node::local(), and then whoever appends over the node is asked as well.
//
// Each append that nothing else refuses is handled before it is written, with all appends before it
// in the rows. When its handler throws, a row that it makes is refused (a second of a unique value,
// or one beyond its limits), or an event does not decode, that append is refused with this error,
// which names the stream, the version that the event would have had, and the reason. Nothing of it
// is in the log, its index or the rows then; appends of the same commit go through. So a projection
// can hold up a rule that no stream has alone. A refused append with a producer has used up its
// sequence, as any that is refused.
//
// Rows, indexes and events are on the disk together or not at all. Queries and live queries are
// those of every read model, and `at_least` never waits. What is truncated or erased later stays in
// the rows until they are built anew, as in every read model.
//
// Its cost: while one is attached, no commit is prepared while another is at the disk (decision
// 0020). A handler that is slow makes all appends slow. Further errors of an append: busy when the
// rows of one commit exceed 64 MiB, request_too_large when its own exceed 32 MiB.
//
// Threads: attach(), remove() and destruction from any, but not from a handler or a callback of the
// store; model() as a ReadModel. Handlers and effects run on the thread that commits, one call at a
// time.
#pragma once

#include <memory>
#include <string>

#include "skald/cqrs/projector.h"
#include "skald/cqrs/read_model.h"
#include "skald/event_store.h"

namespace skald::cqrs {

struct InlineOptions {
    const Clock* clock = nullptr;  // outlives it; null: the machine's
};

class InlineProjection {
  public:
    // Brings the rows to the end of the log, then attaches; what is appended meanwhile is in them.
    // Appends go on except for the last step, which projects at most some 10,000 events. What is
    // in the log keeps its rows between attachments; a projection of another version is built
    // beside, and takes their place when it is complete.
    //
    // Errors: invalid_argument for a store that is not in this process, a bad name, or rows that
    // changed without a new version; already_exists when it is attached; request_too_large beyond 8
    // attached; those of the event that it cannot be built past; those of the store.
    static Result<std::unique_ptr<InlineProjection>> attach(EventStore& store,
                                                            AnyProjection projection,
                                                            const InlineOptions& options = {});
    // Removes the rows of a name that is given up, all its versions, which attach() would else go
    // on with; appends wait meanwhile. Also rows that cannot be read: attach() then builds them
    // anew. Errors: invalid_argument for a store that is not in this process; already_exists while
    // it is attached; not_found when there are none; those of the store.
    static Result<void> remove(EventStore& store, const std::string& name);
    // Detaches: appends are no longer asked, and the rows stay as they are. Before the store and
    // after whoever queries the model.
    ~InlineProjection();
    InlineProjection(const InlineProjection&) = delete;
    InlineProjection& operator=(const InlineProjection&) = delete;

    // Of one version, the attached one.
    const ReadModel& model() const;

  private:
    class Impl;
    explicit InlineProjection(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace skald::cqrs
