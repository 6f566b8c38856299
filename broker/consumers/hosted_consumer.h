// A consumer at its log: reads what it wants, hands out what it gives, and writes what it says.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "broker/consumers/consumer.h"
#include "broker/consumers/consumer_log.h"
#include "broker/consumers/queue_keeper.h"
#include "broker/effects.h"
#include "store/volume.h"

namespace skald::broker {

// Of outcomes of what a queue removes; those of records bear `born` alone.
inline constexpr std::uint64_t kRemovalTag = std::uint64_t{1} << 63;

// Answers one request, once, from any thread.
using ReplyTo = std::function<void(Result<Frame>)>;

// One thread at a time, the host's.
class HostedConsumer {
  public:
    struct Parts {
        store::Volume& volume;
        wire::IdSource& ids;
        store::AppendListener& listener;  // gets what becomes of its records, tagged with `born`
    };
    // With all that the log says of it.
    static Result<std::unique_ptr<HostedConsumer>> open(Parts parts, wire::CatalogueEntry entry);
    ~HostedConsumer();  // whoever waits is told that it is gone

    const wire::CatalogueEntry& entry() const { return entry_; }
    void set_entry(const wire::CatalogueEntry& entry);

    void request(Bytes payload, ReplyTo reply, Consumer::Now now);
    // Of what is parked now.
    void replay(std::uint64_t count, std::optional<Place> one, ReplyTo reply);
    void purge(ReplyTo reply);
    std::vector<ParkedEvent> parked(std::optional<Place> after, std::size_t limit);
    ConsumerStatus status(Consumer::Now now);  // not const: rates are of the time between

    // There may be more in the log.
    void news() { more_ = true; }
    bool hungry() const { return consumer_.hungry(); }
    // Commits are news to it.
    bool listens() const { return hungry() || (queue_ != nullptr && queue_->drops()); }
    // Does what can be done now. An error is the log's.
    Result<void> advance(Consumer::Now now);
    // What became of the record that was submitted last.
    Result<void> written(const Result<store::AppendOutcome>& outcome);
    // When advance() has something to do, if nothing else comes.
    std::optional<Monotonic> next_tick(Consumer::Now now) const;
    // What became of the removal that was submitted last.
    void removed(const Result<store::AppendOutcome>& outcome) { queue_->written(outcome); }
    // It is deleted.
    void close_queue();
    // Nothing of it is on its way to the volume.
    bool idle() const {
        return (write_ == nullptr || write_again_) && (queue_ == nullptr || queue_->idle());
    }

  private:
    // Answers, or an administrator's work: as far as the next record has room for it.
    struct Rest {
        enum class Kind : std::uint8_t { answers, replay, purge };
        Kind kind = Kind::answers;
        std::uint64_t member = 0;
        std::vector<wire::AnsweredPlaces> answers;
        std::size_t taken = 0;
        std::uint64_t answered = 0;
        std::uint64_t left = 0;  // of an administrator's
        std::optional<Place> one;
        std::uint64_t done = 0;
        ReplyTo reply;
    };

    HostedConsumer(Parts parts, wire::CatalogueEntry entry);
    Result<void> load();
    Result<void> open_queue();
    Result<store::QueueGate::Amount> count_open();
    void keep_queue();
    void plan_removal(Consumer::Now now);
    Result<void> open_cursor();
    Result<void> read(Consumer::Now now);
    std::uint64_t key_of(const EventView& event) const;
    void rate(ConsumerStatus& status, Consumer::Now now);
    void join(const wire::MemberRequest& request, const ReplyTo& reply, Consumer::Now now);
    void look_at(Place place, Version version, const std::function<void(const EventView&)>& use);
    void go_on(Consumer::Now now);
    bool work_on(Rest& rest, Consumer::Now now);
    Result<void> reply_pages();
    Result<wire::MemberReply> reply_of(GivenPage& page, std::vector<store::Chunk>& chunks);
    void reply_confirmed();
    void write();
    std::uint64_t ticket_for(std::function<void(Result<Frame>)> reply);

    Parts parts_;
    wire::CatalogueEntry entry_;
    Consumer consumer_;
    std::unique_ptr<store::Cursor> cursor_;
    std::map<Partition, Offset> leads_;  // behind the last event that was read
    bool more_ = true;
    std::deque<Rest> rests_;
    std::uint64_t next_ticket_ = 1;
    std::unordered_map<std::uint64_t, ReplyTo> waiting_;  // by ticket
    std::uint64_t previous_ = 0;
    std::unique_ptr<ControlWrite> write_;
    bool write_again_ = false;  // the volume was busy, or has not got it yet
    std::unique_ptr<QueueKeeper> queue_;
    // Of status(), as of some seconds ago.
    struct Rated {
        double in_rate = 0;
        double out_rate = 0;
        std::uint64_t done = 0;
        std::uint64_t come = 0;
        Monotonic at{};
    } rated_;
};

// Payloads of replies.
Frame frame_of(std::string payload);

}  // namespace skald::broker
