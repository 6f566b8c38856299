// A query of a read model that goes on: its rows as they are now, then what becomes of them.
//
//     class Board final : public LiveHandler<std::string> { ... };
//     auto live = model->live({.where = {{"customer", key_of("ann")}}}, board);
//
// First a snapshot: all rows of the query's range as of one commit. Then, for each later commit
// that changes any of them, its deltas: `put` for a row that comes into the range or changes inside
// it, `removed` for one that leaves the range or is erased. Whoever applies them holds, after each
// call, what a fresh query as of that commit gives: nothing is missing and nothing comes twice.
// Rule P10. No transaction is open between the calls.
//
// on_resync says that what was told no longer counts, and why; a fresh snapshot follows, at once or
// when the version is complete again:
//   - fell_behind: more waited for this consumer than the buffer holds, or one commit changed more
//   - other_version: promote or roll_back made another version active
//   - rebuilding: the version is built anew from the log
//   - connection_lost: over a node (remote_models.h), what was followed is not there any more
//
// Of the query `where`, `order`, `from` and `to` name the range, `descending` the snapshot's order;
// version 0 follows whichever is active, another stays with that one. `limit` does not apply; a
// cursor in `after` is invalid_argument. Errors of ReadModel::live: those of query; busy beyond 256
// live queries of a model; request_too_large for a snapshot beyond 100,000 rows or 64 MiB.
//
// A live query ends, with on_ended as the last call, when the handler throws (handler_failed with
// its words), when a fresh snapshot is refused (as live() would), and when the model is destroyed
// (shutting_down). Over a node also with busy: a program holds 1 GiB of rows for all who follow its
// models and do not take them; beyond, the one of whom it holds most ends.
//
// Threads: each has one of its own, on which all calls are made, one at a time: a slow handler
// holds up no commit and no other consumer. A handler may use the model and the store. A LiveSource
// has none: its owner asks it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "skald/error.h"
#include "skald/position.h"
#include "skald/result.h"

namespace skald::cqrs {

enum class Resync : std::uint8_t { fell_behind, other_version, rebuilding, connection_lost };
std::string_view name_of(Resync why);

// `Row` is JSON as std::string, or a described struct (view.h). `key`: the fields of the row's key
// as a JSON object, the same text for the same key always.
template <typename Row>
struct LiveRow {
    std::string key;
    Row row;
};
template <typename Row>
struct LiveSnapshot {
    std::vector<LiveRow<Row>> rows;  // in the query's order
    Position position;               // that they reflect
    std::uint32_t version = 0;       // that they are of
};

enum class LiveOp : std::uint8_t { put, removed };
template <typename Row>
struct LiveDelta {
    LiveOp op = LiveOp::put;
    std::string key;
    Row row;  // as it is now; as it was last in the range when it was removed
};
// What one commit changed, at most one delta a row.
template <typename Row>
struct LiveDeltas {
    std::vector<LiveDelta<Row>> deltas;
    // That the rows reflect now. Not behind the one told before; the same when parked events were
    // replayed.
    Position position;
    std::uint32_t version = 0;
};

template <typename Row>
class LiveHandler {
  public:
    virtual ~LiveHandler() = default;
    virtual void on_snapshot(const LiveSnapshot<Row>& snapshot) = 0;
    virtual void on_deltas(const LiveDeltas<Row>& deltas) = 0;
    virtual void on_resync(Resync /*why*/) {}
    // The last call. Not made after close().
    virtual void on_ended(const Error& /*reason*/) {}
};

// Closed when destroyed, which is not to be done inside its handler. After close() returns no call
// is made or under way; called from inside the handler it returns at once, and the running call is
// the last.
class LiveQuery {
  public:
    virtual ~LiveQuery() = default;
    virtual void close() = 0;
};

// What is told next: the calls of a LiveHandler as values, or nothing yet. An Error is the end.
using LiveNext =
    std::variant<std::monostate, LiveSnapshot<std::string>, LiveDeltas<std::string>, Resync, Error>;

// A live query for a thread that asks what comes next.
class LiveSource {
  public:
    virtual ~LiveSource() = default;
    // Waits about so long, or less. One thread at a time.
    virtual LiveNext next(std::chrono::milliseconds wait) = 0;
    // Any thread: next() returns at once, now and from then on, and what it gives does not count.
    virtual void stop() = 0;
    // Bytes of rows that wait for next(). Any thread.
    virtual std::size_t held() const = 0;
};

struct LiveOptions {
    // Changed rows that may wait for the handler, 1-65,536, and never more than 32 MiB of them.
    std::size_t buffered = 65'536;
};
// invalid_argument when one is out of its range.
Result<void> check_live_options(const LiveOptions& options);

// Tells it to the handler, which outlives what is returned.
std::unique_ptr<LiveQuery> start_live(std::unique_ptr<LiveSource> source,
                                      LiveHandler<std::string>& handler);

}  // namespace skald::cqrs
