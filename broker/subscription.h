// One subscription of one client: a cursor, its credit, and what the client was told last.
#pragma once

#include <memory>

#include "base/clock.h"
#include "broker/effects.h"
#include "store/volume.h"

namespace skald::broker {

// Catching up until a step reaches the end, then live; behind again when a step does not. Holds
// nothing but its cursor and numbers while it has no credit.
class Subscription {
  public:
    Subscription(std::uint64_t id, std::unique_ptr<store::Cursor> cursor);

    std::uint64_t id() const { return id_; }
    // Totals since the subscription began; what is lower than before is ignored.
    void grant(std::uint64_t events, std::uint64_t bytes);
    // There may be more behind the cursor.
    void news() { news_ = true; }
    bool has_credit() const { return sent_events_ < events_ && sent_bytes_ < bytes_; }
    bool ready() const {
        return news_ && has_credit() && events_ - sent_events_ >= wants_events_ &&
               bytes_ - sent_bytes_ >= wants_bytes_;
    }

    // Tells where the subscription begins.
    void begin(PeerId peer, Effects& effects);
    // Advances by one delivery of about `room` bytes at most. False when the subscription ended;
    // the client was told.
    bool step(PeerId peer, std::size_t room, Effects& effects);
    // Tells of records skipped since the client last heard, if any. Called now and then.
    void report(PeerId peer, Effects& effects);

    // Whether an ephemeral event is for it: it is live and its reader would get such an event.
    bool wants(const EventView& event) const { return live_ && cursor_->wants(event); }
    // Sends the event, or counts it as dropped: there is no room, or no credit to spare.
    bool send_ephemeral(PeerId peer, const Frame& frame, bool room, Effects& effects);
    bool owes_dropped() const { return dropped_ != 0 && has_credit(); }
    // Tells how many were dropped since the client last heard, if any.
    void tell_dropped(PeerId peer, Effects& effects);

    // The router's:
    bool queued = false;   // it stands in its session's list
    std::size_t cost = 0;  // bytes that it counts for

  private:
    bool can_spare(std::size_t bytes) const;
    Position changes();
    std::uint64_t unreported() const;
    void deliver(PeerId peer, store::Step step, Effects& effects);

    std::uint64_t id_;
    std::unique_ptr<store::Cursor> cursor_;
    Position told_;  // the position the client has
    std::uint64_t events_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t sent_events_ = 0;
    std::uint64_t sent_bytes_ = 0;
    // Half of the most credit that was in hand: a client whose events are all used has that again,
    // so a batch of up to this much waits for credit and is not cut.
    std::uint64_t whole_events_ = 0;
    std::uint64_t whole_bytes_ = 0;
    std::uint64_t wants_events_ = 0;  // the credit that the next batch waits for
    std::uint64_t wants_bytes_ = 0;
    std::uint64_t dropped_ = 0;
    bool news_ = true;
    bool live_ = false;
};

}  // namespace skald::broker
