// A projector: handles the events that its projection selects, in their order, and commits the rows
// they make together with its checkpoint. Rules P1-P9.
//
//     Projector::start(store, *model, projection.build(), {.poison = Poison::park()});
//
// Projection<Row> (projection.h) says what an event does to rows; this runs it.
//
// It goes on behind its checkpoint. A checkpoint that the log does not reach, or that is of another
// log, is not trusted: the version is emptied and built anew. Each committed row reflects each
// event once, whatever crashed when. Batches end at 10,000 events, 32 MiB of rows or 250 ms; near
// the live end whatever came together is committed together.
//
// Events that fail: poison.h. What the store or the network refuse for now is tried again with
// pauses (retrying); a disk that fails, a log that is damaged and a fault of its own stop it. A
// stopped projector stays so until rebuild() or resume().
//
// Threads: its methods may be called from any. Handlers run on the store's delivery thread, one
// call at a time, and so do commits; a projection with lanes (projection.h) has a thread more for
// each but the first, whose handlers run only while that of the store waits for them. It has one
// thread besides, for waiting. Destroy it before the store and the model; not from a handler.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "skald/cqrs/lease.h"
#include "skald/cqrs/poison.h"
#include "skald/cqrs/read_model.h"
#include "skald/cqrs/row.h"
#include "skald/event_store.h"

namespace skald::cqrs {

// What to do with events, without the types of rows and events.
struct AnyProjection {
    std::string name;           // of the read model, 1-255 bytes
    std::uint32_t version = 1;  // from 1: raise it when rows or handlers change
    Selection selection;
    RowSchema rows;
    // By type; what it does not handle is passed over.
    std::function<bool(std::string_view type)> handles;
    // An exception is an error of the event. Each lane has a copy.
    std::function<Result<void>(RowChanges&, const EventView&)> apply;
    // Projection::lanes; invalid_argument unless 1 to 16.
    unsigned lanes = 1;
    std::function<std::string(const EventView&)> lane_key{};  // empty: the stream
};

struct ProjectorOptions {
    Poison poison{};
    Lease* lease = nullptr;  // null: the directory's
    // Pauses after what may pass: doubled from the first to the second.
    std::chrono::milliseconds retry_min{50};
    std::chrono::milliseconds retry_max{5'000};
};

struct ProjectorStatus {
    VersionStatus version;
    bool leads = false;     // holds the lease: this copy runs
    std::uint64_t lag = 0;  // offsets between it and the end of the log
    std::optional<double> eta_s;
};

struct Replayed {
    std::uint64_t events = 0;    // projected now
    std::optional<Error> error;  // why the next one failed again; it stays parked
};

class ProjectionTarget;

class Projector {
  public:
    // Returns before it caught up. Errors: those of the store, and of open_version in read_model.h:
    // invalid_argument when the model has another name or the version other rows.
    static Result<std::unique_ptr<Projector>> start(EventStore& store, ReadModel& model,
                                                    AnyProjection projection,
                                                    ProjectorOptions options = {});
    // For rooms that keep rows elsewhere: one over what is theirs.
    static std::unique_ptr<Projector> over(EventStore& store,
                                           std::unique_ptr<ProjectionTarget> target,
                                           ProjectorOptions options);
    // As stop() does.
    ~Projector();
    Projector(const Projector&) = delete;
    Projector& operator=(const Projector&) = delete;

    // Asks the store where the log ends: not from a handler.
    Result<ProjectorStatus> status() const;
    // Of this version, active or not.
    Freshness wait_for(const Position& position, std::chrono::milliseconds wait) const;

    // Empties the version and builds it anew; queries of it answer not_ready until it is
    // complete. A copy that stands by does it once it runs. For a rebuild that nobody notices,
    // start the next version and promote it.
    void rebuild();
    // After it stopped: goes on behind its checkpoint.
    void resume();
    // Commits what was handled, and gives the lease back; no event is handled from here on, and a
    // replay that goes on ends with not_ready. For good: start another. Not from a handler.
    void stop();

    // At most 1,000, in their order; of one key unless it is empty.
    Result<std::vector<ParkedEvent>> parked(std::string_view key = {}) const;
    // Projects the events that are listed under a key in their order, reading them from the log;
    // then later ones are no longer held up by them. Stops at the first that fails again, or that
    // waits for one listed elsewhere. not_found when nothing is parked under it, or when the log no
    // longer has the event; not_ready unless it is running. Not from a handler.
    Result<Replayed> replay_parked(std::string_view key);

  private:
    class Impl;
    explicit Projector(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace skald::cqrs
