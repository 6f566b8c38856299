// EventStore: the one interface over a log in this process, on a node, or on a cluster.
// Applications, cqrs and saga know only this. Semantics: design.md sections 2-4; sources there
// (KurrentDB's append contract, JetStream's receipts, DCB's query condition).
//
// Threads: every method may be called from any thread. Handlers and callbacks run on a thread of
// the store; they must not block it for long, and must not call blocking methods of the same store,
// except where a method says it may.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "skald/event.h"
#include "skald/ids.h"
#include "skald/position.h"
#include "skald/result.h"

namespace skald {

// ---- append

// What a stream must look like for an append to go through. A soft-deleted stream is no stream any
// more, but keeps its last version: no_stream and exact(last) hold, stream_exists does not.
class Expected {
  public:
    enum class Kind : std::uint8_t { any, no_stream, stream_exists, exact };
    static constexpr Expected any() { return {Kind::any, Version{}}; }
    static constexpr Expected no_stream() { return {Kind::no_stream, Version{}}; }
    static constexpr Expected stream_exists() { return {Kind::stream_exists, Version{}}; }
    // The stream's last version is v.
    static constexpr Expected exact(Version v) { return {Kind::exact, v}; }
    static constexpr Expected exact(std::uint64_t v) { return {Kind::exact, Version(v)}; }

    constexpr Kind kind() const { return kind_; }
    constexpr Version version() const { return version_; }
    constexpr bool operator==(const Expected&) const = default;

  private:
    constexpr Expected(Kind kind, Version version) : kind_(kind), version_(version) {}
    Kind kind_;
    Version version_;
};

// "any", "none", "exists" or the version's digits.
std::string to_string(Expected expected);

// Events that match any of the items; an item matches an event of one of its types (none listed: of
// any type) that carries all of its tags. At least one item, else invalid_argument. Limits, else
// request_too_large: 16 items, 32 types and 16 tags each.
struct QueryItem {
    std::vector<std::string> types;
    std::vector<std::string> tags;
    bool operator==(const QueryItem&) const = default;
};
struct Query {
    std::vector<QueryItem> items;
    bool operator==(const Query&) const = default;
};

struct StreamAppend {
    std::string stream;
    Expected expected = Expected::any();
    std::vector<NewEvent> events;
};
struct StreamCheck {
    std::string stream;
    Expected expected = Expected::any();
};
// Fails when an event that matches stands at or above `from`: read by query, keep the page's
// `next` offset, and append on condition that nothing new came. Only in a store of one partition,
// else cross_partition: nothing atomic spans several.
struct QueryCheck {
    Query query;
    Offset from;
};
// A lock's name and its token. A token below the highest ever appended under that name in the
// append's partition is `fenced`. A refused append raises nothing. Names: 1-255 bytes of UTF-8.
struct Fence {
    std::string name;
    std::uint64_t token = 0;
};
// Makes a retry return the first receipt: the last 4,096 requests of a producer are remembered,
// whatever their age. Sequences rise by one, from resolved_below for a new producer or epoch.
// `resolved_below`: the producer has the answers of all requests below it, refusals included; only
// those may be missing between the last request and this one, else sequence_gap. A refused request
// uses up its sequence: sent again behind later ones it is `already_rejected`. An epoch below the
// highest seen is `fenced`. What is older than the remembered requests is sequence_gap.
struct Producer {
    Uuid id;
    Epoch epoch{1};
    std::uint64_t sequence = 0;
    std::uint64_t resolved_below = 0;
};
enum class Ack : std::uint8_t { quorum, primary };

// One atomic append. Limits, else request_too_large: 4,096 events, 4 MiB, 256 streams, 256 checks.
// All streams and checks live in one partition, else cross_partition. Each stream gets at least one
// event and stands once among streams and checks together, else invalid_argument.
//
// Refused: stream_tombstoned when a stream to be written is; else all failed checks together,
// streams first, then checks, then the query, in the order given: wrong_expected_version when only
// streams to be written failed, check_failed otherwise. When all streams ask for exact or no_stream
// and all ids already stand at those versions, the first receipt comes again; when some do,
// partly_repeated.
struct Append {
    std::vector<StreamAppend> streams;
    std::vector<StreamCheck> checks;
    std::optional<QueryCheck> query;
    std::optional<Fence> fence;
    std::optional<Producer>
        producer;  // only where the store is not a producer itself (local store)
    Ack ack = Ack::quorum;
    // Look the events' ids up among the last 1,000,000 events or 10 minutes, whichever is less, and
    // answer `repeated` when all of them are there in their streams, partly_repeated when some are.
    // For ids that come from outside; ignored with exact and no_stream, which find repeats of any
    // age.
    bool check_ids = false;

    static Append one(std::string stream, NewEvent event, Expected expected = Expected::any());
    static Append many(std::string stream, std::vector<NewEvent> events,
                       Expected expected = Expected::any());
};

struct Receipt {
    std::string stream;  // of the last event
    Version version;     // of the last event
    Partition partition;
    Offset offset;      // of the last event
    Uuid id;            // of the last event
    Position position;  // just behind the append
    bool repeated = false;
    Ack durability = Ack::quorum;
};
using AppendCallback = std::function<void(Result<Receipt>)>;

// ---- read

// What to read. `types` and `streams` are globs (* ? [set]); an event must match one of each
// non-empty list. Events that lifecycle took away are in no selection.
struct Selection {
    enum class Kind : std::uint8_t { all, stream, category, type, correlation, query };
    Kind kind = Kind::all;
    std::string name;  // of the stream, category, type or correlation
    Query query;
    std::vector<std::string> types;
    std::vector<std::string> streams;
    bool system = false;  // control records too; only with Kind::all
    bool operator==(const Selection&) const = default;

    static Selection all() { return {}; }
    static Selection stream(std::string name);
    static Selection category(std::string name);
    static Selection type(std::string name);
    static Selection correlation(std::string id);
    static Selection matching(Query query);
};

// Where to begin. A version only with Selection::stream; an offset only when the store has one
// partition or one is named by the selection; a time is the first event recorded at or after it;
// else invalid_argument. A position lies between events: forward begins behind it, backward before
// it. Backward, the other starts include their event, End gives the last one first, Beginning
// nothing. A position of another log is wrong_lineage, one the log no longer reaches log_truncated.
struct Beginning {
    bool operator==(const Beginning&) const = default;
};
struct End {
    bool operator==(const End&) const = default;
};
struct AtTime {
    Time time;
    bool operator==(const AtTime&) const = default;
};
using Start = std::variant<Beginning, End, Version, Offset, Position, AtTime>;

struct Read {
    Selection selection;
    Start start = Beginning{};      // inclusive
    bool backward = false;          // only with Selection::stream and Selection::all
    std::uint32_t limit = 1000;     // events, 1-4,096
    std::uint32_t bytes = 4 << 20;  // of data; the first event comes whatever its size
};

// A page owns the memory its events point into. A full page may say `end` or leave it to an empty
// one that follows.
struct Page {
    std::vector<EventView> events;
    Position next;               // read from here to go on (forward reads)
    Start resume = Beginning{};  // the same for any direction, as a Start
    bool end = false;            // nothing more below the high-watermark
    std::shared_ptr<const void> memory;
};

// ---- subscribe

struct CaughtUp {
    Position position;
};
struct FellBehind {
    Position position;
};
// Everything below this position was delivered or did not match.
struct Checkpoint {
    Position position;
};
struct Delivery {
    std::span<const EventView> events;  // valid during the call
    const Position& position;           // just behind the last of them
};

// Calls come one at a time, in order. An exception out of a call ends this subscription only:
// on_ended gets it as handler_failed, with the position before the call that failed. Checkpoints
// come where events were skipped; caught_up whenever the live end is reached after catching up.
class SubscriptionHandler {
  public:
    virtual ~SubscriptionHandler() = default;
    virtual void on_events(const Delivery& delivery) = 0;
    virtual void on_checkpoint(const Checkpoint&) {}
    virtual void on_caught_up(const CaughtUp&) {}
    virtual void on_fell_behind(const FellBehind&) {}
    // Only when asked for (Subscribe::ephemeral). The event is valid during the call.
    virtual void on_ephemeral(const EventView&) {}
    // So many ephemeral events came while what was told before still used up the credit, or the
    // room that a node has for this client. They are gone.
    virtual void on_dropped(std::uint64_t /*events*/) {}
    // The last call. Not made after unsubscribe().
    virtual void on_ended(const Error& reason, const Position& position) = 0;
};

// A stream need not exist yet, nor a version. Credit out of range is invalid_argument.
struct Subscribe {
    Selection selection;
    Start start = Beginning{};
    std::uint32_t events_in_flight = 32768;   // credit, 1-65,536
    std::uint32_t bytes_in_flight = 8 << 20;  // credit, 64 KiB-64 MiB
    // Ephemeral events that the selection matches as well, while caught up: each once at most,
    // in no order with stored ones, and out of the same credit. What is published before
    // caught_up, or after fell_behind, is not told and not counted.
    bool ephemeral = false;
};

// Ends when destroyed. After unsubscribe() or the destructor returns, no handler runs. May be
// called from inside the handler; it then returns at once and the running call is the last.
class Subscription {
  public:
    virtual ~Subscription() = default;
    virtual void unsubscribe() = 0;
};

// ---- streams

// Ages are measured against the newest commit of the stream's partition, so that every replica
// answers alike. Out of range: invalid_argument.
struct StreamLimits {
    std::optional<std::uint64_t> max_count;            // events, at least 1
    std::optional<std::chrono::microseconds> max_age;  // at least 1 s
    bool operator==(const StreamLimits&) const = default;
};

enum class StreamState : std::uint8_t { none, active, deleted, tombstoned };

struct StreamInfo {
    std::string name;
    Partition partition;
    StreamState state = StreamState::none;
    // Of the visible events; below it when more than 65,536 in a row before it were removed.
    std::optional<Version> first;
    std::optional<Version> last;  // the next append gets last + 1, also after a soft delete
    StreamLimits limits;
    Version truncate_before;
};

struct TruncateStream {
    Version before;  // events below it are gone; never goes back, at most to the stream's end
};
struct SetLimits {
    StreamLimits limits;  // replaces all of them
};
struct DeleteStream {
    bool hard = false;  // hard: a tombstone, the name is never usable again
};
struct EraseEvent {
    // No read gives it any more; its bytes are overwritten by the next scavenge; its place stays.
    // not_found when the stream never had it.
    Version version;
};
using LifecycleChange = std::variant<TruncateStream, SetLimits, DeleteStream, EraseEvent>;
// A change of a tombstoned stream is stream_tombstoned; a failed expectation
// wrong_expected_version. With any or no_stream, limits may be set before a stream's first event.
struct Lifecycle {
    std::string stream;
    Expected expected = Expected::stream_exists();
    LifecycleChange change;
};

struct StreamList {
    std::vector<StreamInfo> streams;  // by name, bytewise
    std::string next;                 // pass as `after`; empty at the end
};

struct Snapshot {
    Version version;                // of the last event folded into it
    std::uint64_t fingerprint = 0;  // of the code that made it; a reader ignores what differs
    std::string bytes;              // up to 4 MiB
};

// ---- the interface

class EventStore {
  public:
    virtual ~EventStore() = default;

    // Blocks until the append is durable, refused, or its outcome unknown. Like the next it is done
    // with `request` when it returns: one object serves for many appends.
    virtual Result<Receipt> append(const Append& request) = 0;
    // The same without blocking: `done` is called exactly once, maybe before this returns. Requests
    // of one thread are committed in their order. Beyond the store's bound of bytes in flight
    // `done` gets `busy`: certainly nothing written.
    virtual void append_async(const Append& request, AppendCallback done) = 0;

    // Hands one event to the subscriptions that are caught up now, match it, and asked for such;
    // stores nothing. Returns its id. Names and sizes are bound as in append, and the stream need
    // not exist. Says nothing of who got it. busy, unreachable: nobody did. outcome_unknown: it
    // went out and no answer came; it is not tried again, so nobody gets it twice.
    virtual Result<Uuid> publish_ephemeral(std::string_view stream, NewEvent event) = 0;

    // stream_not_found, stream_deleted, stream_tombstoned for a stream that is none, else a page.
    virtual Result<Page> read(const Read& request) = 0;

    // `handler` must outlive the subscription.
    virtual Result<std::unique_ptr<Subscription>> subscribe(const Subscribe& request,
                                                            SubscriptionHandler& handler) = 0;

    // A stream that never was has StreamState::none.
    virtual Result<StreamInfo> stream_info(std::string_view stream) = 0;
    // Streams that ever had an event, whatever their state, whose name matches the glob, after the
    // name `after`; at most `limit`, 1-1,000. Names starting with `$` only when the glob does.
    virtual Result<StreamList> list_streams(std::string_view glob, std::string_view after,
                                            std::uint32_t limit) = 0;
    virtual Result<Receipt> change_stream(const Lifecycle& request) = 0;

    // Snapshots are a cache: a store may forget them.
    virtual Result<std::optional<Snapshot>> get_snapshot(std::string_view stream) = 0;
    virtual Result<void> put_snapshot(std::string_view stream, const Snapshot& snapshot) = 0;

    // Behind everything that is readable now.
    virtual Result<Position> position() = 0;
};

}  // namespace skald
