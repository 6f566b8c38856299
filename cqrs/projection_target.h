// What a projector works on: one version of rows, their checkpoint and their parked events, which
// change together or not at all. Read models keep theirs in LMDB (model_target.h); another room may
// keep them elsewhere.
//
// Threads: handle() to commit() one at a time, and reset() while no subscription is open; the rest
// any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cqrs/model_progress.h"
#include "cqrs/parked_events.h"
#include "skald/cqrs/lease.h"
#include "skald/event_store.h"

namespace skald::cqrs {

// A version while projectors work on it, for all of this process.
struct VersionWork {
    explicit VersionWork(const Clock& clock) : progress(clock) {}

    ModelProgress progress;
    std::atomic<int> projectors = 0;  // that are started
    std::atomic<bool> held = false;   // they are to stand still until it is not
};

class ProjectionTarget {
  public:
    virtual ~ProjectionTarget() = default;

    virtual std::uint32_t version() const = 0;
    virtual std::string lease_name() const = 0;
    virtual Lease& lease() = 0;  // unless the projector was given another
    virtual const Selection& selection() const = 0;
    virtual bool handles(std::string_view type) const = 0;
    virtual VersionWork& work() = 0;
    virtual const Clock& clock() const = 0;

    struct Committed {
        Position position;
        bool complete = false;
        ParkedEvents parked;
    };
    // Forgets what is not committed. Commits to come are of this term, and those of lower ones are
    // fenced from now on. fenced when a higher term has begun.
    virtual Result<Committed> begin(std::uint64_t term) = 0;
    // Before handle(): what it fails with is no event's failure.
    virtual Result<void> open_batch() { return {}; }
    // All that the event changes; nothing of it after an error.
    Result<void> handle(const EventView& event);
    // Whether so many events are better handled at once; then in_lanes() does it, to the same
    // effect as one after the other, or is false and nothing happened. The events are such as it
    // handles.
    virtual bool wants_lanes(std::size_t) { return false; }
    virtual bool in_lanes(std::span<const EventView* const>) { return false; }
    // Nothing is open that a commit would store.
    virtual bool empty() const = 0;
    // The open batch is to be committed at the end of the delivery; or in the middle of it.
    virtual bool due() const = 0;
    virtual bool full() const = 0;
    // Called before one waits.
    virtual void end_reading() = 0;

    struct Commit {
        const ParkedEvents* parked = nullptr;
        Position position;
        std::uint64_t events = 0;  // handled since the last
        bool complete = false;
    };
    // Then runs the effects. fenced when a higher term has begun.
    virtual Result<void> commit(const Commit& commit) = 0;
    // Takes everything out of the version. Events before `muted_until` have no effects then.
    virtual Result<void> reset(const Position& muted_until) = 0;
    // As committed; of one key, or of all when it is empty.
    virtual Result<std::vector<ParkedEvents::Numbered>> parked(std::string_view key,
                                                               std::size_t limit) const = 0;

  private:
    virtual Result<void> begin_event(const EventView& event) = 0;
    // May throw.
    virtual Result<void> call_handler(const EventView& event) = 0;
    virtual void undo_event() = 0;
};

}  // namespace skald::cqrs
