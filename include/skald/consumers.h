// Durable consumers: named places in a log, kept by a node, whose members share the work. What
// KurrentDB calls persistent subscriptions, JetStream consumers, and RabbitMQ queues are for.
// docs/consumers.md is the guide; the words for answers are those of JetStream and Kafka's share
// groups.
//
// An event is given to a member, which answers it. What is not answered in time, or whose member
// dies, is given again: to the same member or another. Where a consumer stands is part of the log,
// so a crash of the node loses no answer that was confirmed, and gives again at most what was not.
//
// Threads: every method of Consumers may be called from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "skald/client.h"
#include "skald/event_store.h"
#include "skald/result.h"

namespace skald {

enum class ConsumerMode : std::uint8_t {
    shared = 0,     // any member gets any event
    exclusive = 1,  // one member gets all, in the log's order; the others stand by
    per_key = 2,    // events of one key in the log's order, to one member at a time
};

// How long an event waits after its n-th failure, answered or timed out alike: `first` times
// `factor` to the n-1, at most `most`, then up to the part `jitter` of that less, at random.
struct Backoff {
    std::chrono::milliseconds first{1000};  // 0 to `most`
    double factor = 2;                      // 1-10
    std::chrono::milliseconds most{60000};  // up to 24 h
    double jitter = 0.1;                    // 0-1
    bool operator==(const Backoff&) const = default;
};

enum class WhenFull : std::uint8_t {
    reject = 0,       // an append is refused as busy: certainly nothing written
    drop_oldest = 1,  // the oldest events that no member has are done, and counted as dropped
    wait = 2,         // an append waits for room, for `max_wait`; then it is refused as busy
};

// Makes a consumer the queue of one stream: what is done is removed from the stream, and what is
// not done is bounded. Parked events count as well. An event's bytes are those of its data and
// metadata, of the names of its stream and type, and 64 more.
struct QueueSettings {
    std::uint64_t max_count = 1'000'000;               // events; up to 2^40
    std::uint64_t max_bytes = std::uint64_t{1} << 30;  // up to 2^50
    WhenFull when_full = WhenFull::reject;
    std::chrono::milliseconds max_wait{5000};  // 1 ms to 10 minutes; below the timeout of clients
    bool operator==(const QueueSettings&) const = default;
};

struct ConsumerSettings {
    // 1-200 bytes, as streams are named; none of `/`, `#` and a leading `$`.
    std::string name;
    Selection selection;        // without `system`
    Start start = Beginning{};  // looked at once, when it is created; no version
    ConsumerMode mode = ConsumerMode::shared;
    std::string key;  // with per_key: the metadata whose value is the key; empty: the stream's name
    std::chrono::milliseconds ack_timeout{30000};  // 10 ms to 24 h
    // Deliveries that failed; then it is parked. 0: there is no end to them.
    std::uint32_t max_deliveries = 5;
    Backoff backoff;
    std::uint32_t in_flight = 1024;  // events that all members together hold: 1-16,384
    // Of a selection that is one stream, without globs, from its beginning; a stream has one queue.
    std::optional<QueueSettings> queue = {};
    bool operator==(const ConsumerSettings&) const = default;
};

// A place in the log.
struct Place {
    Partition partition;
    Offset offset;
    auto operator<=>(const Place&) const = default;
};

struct MemberStatus {
    std::string name;
    std::uint32_t in_flight = 0;
    std::uint64_t delivered = 0;  // since it joined
    bool active = true;           // an exclusive consumer gives it events
    bool operator==(const MemberStatus&) const = default;
};

struct ConsumerStatus {
    ConsumerSettings settings;
    bool paused = false;
    std::uint64_t term = 0;  // of the active member of an exclusive consumer: its fencing token
    std::uint32_t member_count = 0;
    std::vector<MemberStatus> members;  // of show() only
    // Acknowledged, skipped, purged, expired or dropped, since it was created.
    std::uint64_t done = 0;
    std::uint64_t skipped = 0;    // of those
    std::uint64_t expired = 0;    // of those
    std::uint64_t dropped = 0;    // of those: a queue was full
    std::uint64_t failures = 0;   // deliveries answered with retry, or not in time
    std::uint64_t in_flight = 0;  // at members
    std::uint64_t waiting = 0;    // known and not at a member: ready, delayed, or behind their key
    std::uint64_t parked = 0;
    std::uint64_t queue_count = 0;  // of a queue: events that are not done, read or not
    std::uint64_t queue_bytes = 0;
    std::uint64_t behind = 0;    // records of the log not looked at yet, whether they match or not
    std::optional<Time> oldest;  // recorded_at of the oldest event known that is neither done nor
                                 // parked
    // Per second, of the last seconds: events that came (of what is behind, all records), and that
    // are done.
    double in_rate = 0;
    double out_rate = 0;
    // Until nothing waits or is behind, if it goes on like that; none when it does not get less.
    std::optional<double> drain_seconds;
    bool operator==(const ConsumerStatus&) const = default;
};

struct ParkedEvent {
    Place place;
    std::string stream;
    std::string type;
    std::string reason;
    std::uint32_t attempts = 0;
    Time at;                // when it was parked
    bool follower = false;  // parked because one of its key before it is
    bool operator==(const ParkedEvent&) const = default;
};

// ---- members

// What becomes of an event.
struct AckWork {
    bool operator==(const AckWork&) const = default;
};
// Give it again, after `delay` or what Backoff says. Counted; with the last of max_deliveries it is
// parked.
struct RetryWork {
    std::optional<std::chrono::milliseconds> delay;  // up to 24 h
    std::string reason;
    bool operator==(const RetryWork&) const = default;
};
// Give it again at once, maybe to another; not counted.
struct ReleaseWork {
    bool operator==(const ReleaseWork&) const = default;
};
struct ParkWork {
    std::string reason;
    bool operator==(const ParkWork&) const = default;
};
// Done, and counted as skipped. Of an event that repeats it is the end.
struct SkipWork {
    bool operator==(const SkipWork&) const = default;
};
using WorkAnswer = std::variant<AckWork, RetryWork, ReleaseWork, ParkWork, SkipWork>;

struct Work {
    const EventView& event;     // valid during the call
    std::uint32_t attempt = 1;  // failures before, and one
    // Of an exclusive consumer: rises with each member that takes over. Appended as a fence of the
    // consumer's name, it keeps out a member that was replaced and does not know it.
    std::uint64_t term = 0;
    // Asks for more time: the ack timeout begins anew, and is so long this once, zero for the
    // consumer's own; up to 24 h. What is over already stays over. During the call, on its thread.
    std::function<void(std::chrono::milliseconds)> extend;
};
// One that throws is RetryWork with what it threw. Calls of one member come one at a time, in
// order. After an answer that is no ack or skip, those of the same key that the member holds are
// released, so that they come again behind it.
using WorkHandler = std::function<WorkAnswer(const Work&)>;

struct MemberOptions {
    std::string name;  // shown by the node; up to 255 bytes
    // Events it holds at most, under way ones included: 1-16,384.
    std::uint32_t in_flight = 256;
    // Without a word from it for so long, it is taken for dead and its work given to others: 100 ms
    // to 10 minutes. It says a word every third of it by itself, also while the handler runs.
    std::chrono::milliseconds lease{10000};
};

// Ends when destroyed: waits for the handler's call, confirms its answers, and gives back the rest.
class Member {
  public:
    virtual ~Member() = default;
    // Takes no more events; returns once all it has are handled and their answers confirmed, or the
    // client's timeout is over.
    virtual Result<void> drain() = 0;
    // Why it ended by itself: not_found when the consumer was deleted, forbidden. nullopt while it
    // goes on; over lost connections it does.
    virtual std::optional<Error> ended() const = 0;
};

class Consumers {
  public:
    virtual ~Consumers() = default;

    // Errors: already_exists, unless it exists with the same settings; invalid_argument;
    // busy beyond 1,024 consumers of a node.
    virtual Result<void> create(const ConsumerSettings& settings) = 0;
    // Changes all but name, start, mode and key, and whether it is a queue, which are
    // invalid_argument. Holds from the next delivery on.
    virtual Result<void> edit(const ConsumerSettings& settings) = 0;
    // Gives out nothing until resume(); answers still count.
    virtual Result<void> pause(std::string_view name) = 0;
    virtual Result<void> resume(std::string_view name) = 0;
    // Its members end as not_found.
    virtual Result<void> remove(std::string_view name) = 0;
    virtual Result<std::vector<ConsumerStatus>> list() = 0;
    virtual Result<ConsumerStatus> show(std::string_view name) = 0;

    // Parked events behind `after`, in the log's order; `limit`: 1-1,000.
    virtual Result<std::vector<ParkedEvent>> parked(std::string_view name,
                                                    std::optional<Place> after,
                                                    std::uint32_t limit) = 0;
    // Makes parked events ready again, their failures forgotten: the first `count`, of a per_key
    // consumer with all that is parked under their keys; or the one at `place`. Returns how many.
    virtual Result<std::uint64_t> replay(std::string_view name, std::uint64_t count) = 0;
    virtual Result<std::uint64_t> replay_one(std::string_view name, Place place) = 0;
    // Makes them done.
    virtual Result<std::uint64_t> purge(std::string_view name) = 0;

    // The handler runs on a thread of the member. not_found; the rest as Services::request. The
    // Member must not outlive this object.
    virtual Result<std::unique_ptr<Member>> join(std::string_view name, WorkHandler handler,
                                                 const MemberOptions& options = {}) = 0;
};

// Errors: those of connect_services().
Result<std::unique_ptr<Consumers>> connect_consumers(const ClientOptions& options);

}  // namespace skald
