// The client's side of the protocol as a pure core: calls, messages, losses and the time go in;
// what to connect, send, resolve and tell handlers comes out as Effects. It resolves each call
// exactly once: ok, rejected (certainly nothing written), or outcome_unknown.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "skald/event_store.h"
#include "wire/messages.h"

namespace skald::client {

// A body frame and what keeps it.
struct Body {
    Bytes bytes;
    std::shared_ptr<const void> owner;
};

struct Answer {
    wire::msg::FromNode message;
    std::vector<Body> bodies;
};

// An append that waits for its receipt. Several to one stream may be one request: each has so many
// of its events, the first member the first of them.
struct Member {
    AppendCallback done;
    Uuid last_id;
    std::uint32_t events = 0;
};

// Appends that are one request, or a change, until the outcome.
struct Sequenced {
    std::string request;  // encoded; empty: a change
    std::unique_ptr<const Lifecycle> lifecycle;
    Partition partition;
    Monotonic deadline{};
    std::string stream;  // of the last event
    std::vector<Member> members;
    std::size_t room = 0;  // what the queue of the client counts for it
    bool at_once = false;  // no `done` blocks: they may run on the thread of the socket
    // Kept by the session.
    std::uint32_t connection = 0;  // the one it was last sent on
    std::uint32_t sends = 0;

    std::size_t bytes() const { return lifecycle ? lifecycle->stream.size() : request.size(); }
};

// Any other request. Sent again when the node was busy, and after a reconnect: it changes nothing,
// or the same twice. But an ephemeral event that was on its way is outcome_unknown: nobody may get
// it twice.
struct Plain {
    wire::msg::FromClient message;
    std::shared_ptr<const std::string> body;
    Monotonic deadline{};
    std::function<void(Result<Answer>)> done;
    // Kept by the session.
    std::optional<Error> refused{};  // busy, the last time
};

using SubscriptionId = std::uint64_t;

struct Begun {
    SubscriptionId id = 0;
    Position position;
};

struct NewSubscription {
    Subscribe request;
    Monotonic deadline{};
    std::function<void(Result<Begun>)> done;
};

// A request to a service. Handed out at most once, so it is sent once: outcome_unknown when the
// connection is lost then.
struct ServiceCall {
    wire::msg::Request message;
    std::shared_ptr<const std::string> body;
    Monotonic deadline{};
    std::function<void(Result<Answer>)> done;
};

// A request for a worker of this client, and where its response belongs.
struct Called {
    std::uint64_t worker = 0;
    std::uint64_t number = 0;
    std::uint32_t connection = 0;
    std::uint32_t left_ms = 0;
    Body body;
};
struct NewWorker {
    wire::msg::Serve message;
    Monotonic deadline{};
    std::function<void(Result<std::uint64_t>)> done;  // the worker's id
    std::function<void(Called)> call;                 // never blocks
};
struct Response {
    std::uint64_t worker = 0;
    std::uint64_t number = 0;
    std::uint32_t connection = 0;
    Result<std::string> reply;
};

// What a subscription's handler is to be told.
struct Told {
    enum class Kind : std::uint8_t {
        events,
        checkpoint,
        caught_up,
        fell_behind,
        ephemeral,
        dropped,
        ended
    };
    SubscriptionId subscription = 0;
    Kind kind = Kind::events;
    Position position;
    std::vector<wire::msg::ChunkHead> chunks;
    std::vector<Body> bodies;
    std::uint64_t dropped = 0;
    Error error;
};

// Where an append went: what a receipt says beyond its call.
struct Written {
    Uuid cluster;
    std::optional<Uuid> lineage;
    Version version;
    Partition partition;
    Offset offset;
    Epoch epoch;
    std::uint32_t digest = 0;
    bool repeated = false;
    bool primary = false;
};

struct Resolved {
    std::unique_ptr<Sequenced> call;
    Result<Written> outcome;
    // Makes the receipts and calls each `done`, once.
    void finish();
    std::size_t appends() const { return call->members.size(); }

  private:
    Receipt receipt(const Member& member, std::uint64_t behind) const;
};

struct SequencedSend {
    const Sequenced* call = nullptr;  // valid until the next input
    std::uint64_t id = 0;
    std::uint64_t resolved_below = 0;
    std::uint64_t after = 0;
};

struct Effects {
    bool disconnect = false;             // first: close the connection there is
    std::optional<std::size_t> connect;  // then open one to this server
    struct Send {
        wire::msg::FromClient message;
        std::shared_ptr<const std::string> body;
    };
    std::vector<Send> sends;               // then send these
    std::vector<SequencedSend> sequenced;  // and these
    std::vector<Resolved> resolved;
    std::vector<Resolved> resolved_at_once;    // never block
    std::vector<std::function<void()>> calls;  // of plain requests: never block
    std::vector<Told> told;
    void clear() {
        disconnect = false;
        connect.reset();
        sends.clear();
        sequenced.clear();
        resolved.clear();
        resolved_at_once.clear();
        calls.clear();
        told.clear();
    }
};

struct SessionOptions {
    std::vector<std::string> servers;  // at least one: endpoints, tried in turn
    Uuid producer;
    std::string name;
    std::uint64_t seed = 1;  // of the jitter
};

// No node answers at the server that is tried.
Error nobody_there();

// What connect() waits for.
enum class Standing : std::uint8_t { trying, ready, failed };

// One thread at a time.
class Session {
  public:
    explicit Session(SessionOptions options);

    void start(Monotonic now);
    void submit(std::unique_ptr<Sequenced> call);
    void request(Plain call);
    void subscribe(NewSubscription subscription);
    void consumed(SubscriptionId id, std::uint64_t events, std::uint64_t bytes);
    void unsubscribe(SubscriptionId id);
    void call(ServiceCall call);
    void serve(NewWorker worker);
    void respond(Response response);
    void unserve(std::uint64_t worker);
    void received(Answer answer, Monotonic now);
    // The connection broke, or could not be made.
    void lost(Monotonic now);
    void lost(Monotonic now, const Error& why);
    // The node does not keep to the protocol: what it sent may lack events or answers, which a new
    // connection gives again.
    void broken(Monotonic now, const char* how);
    void tick(Monotonic now);
    // Resolves everything that is open.
    void close();

    Effects& effects() { return effects_; }
    Standing standing() const { return standing_; }
    const Error& failure() const { return failure_; }
    const wire::msg::Welcome& welcome() const { return welcome_; }
    Monotonic next_tick(Monotonic now) const;
    // Ready, without a subscription or a plain request.
    bool quiet() const;

  private:
    enum class State : std::uint8_t { idle, waiting, connecting, ready, closed };
    // The requests of one partition that were sent at least once; entry i has sequence base + i.
    struct Lane {
        Lane() = default;
        Lane(Lane&&) = default;
        std::uint64_t base = 0;
        std::deque<std::unique_ptr<Sequenced>> sent;  // none: resolved
        std::size_t resend = 0;             // from here on they must be sent on this connection
        std::uint64_t last_unresolved = 0;  // one past the last sequence sent and not resolved
        std::deque<std::unique_ptr<Sequenced>> held;  // never sent: these wait for room in the lane
        // The log remembers so many requests of a producer: one more on its way, and the oldest
        // could not be asked for again.
        bool sent_has_room() const { return sent.size() < limits::kProducerRequestsMax; }
        bool has_room() const { return held.empty() && sent_has_room(); }
    };
    struct Subscribed {
        Subscribe request;
        std::function<void(Result<Begun>)> done;  // until the first answer
        Monotonic deadline{};
        std::optional<Position> position;
        bool live = false;
        std::uint64_t unconsumed_events = 0;
        std::uint64_t unconsumed_bytes = 0;
        std::uint64_t granted_events = 0;  // of this connection
        std::uint64_t granted_bytes = 0;
        std::uint64_t owed_events = 0;  // consumed and not yet granted again
        std::uint64_t owed_bytes = 0;
        std::optional<Monotonic> retry;
    };

    struct Serving {
        NewWorker worker;
        bool known = false;  // once to the node: from then on it is served again
        std::optional<Monotonic> retry;
    };

    void connect(Monotonic now);
    Monotonic backoff();

    const std::string& server() const { return options_.servers[server_]; }
    // Why calls end whose time is over: what was sent without an answer, and what was not sent.
    std::string no_answer() const;
    Error not_sent() const;

    void on(wire::msg::Welcome& welcome, std::vector<Body>& bodies);
    void on(wire::msg::Receipts& receipts, std::vector<Body>& bodies);
    void on(wire::msg::Rejected& rejected, std::vector<Body>& bodies);
    void on(wire::msg::Goodbye& goodbye, std::vector<Body>& bodies);
    void on(wire::msg::Busy& busy, std::vector<Body>& bodies);
    void on(wire::msg::Heartbeat& heartbeat, std::vector<Body>& bodies);
    void on(wire::msg::Subscribed& message, std::vector<Body>& bodies);
    void on(wire::msg::Deliver& message, std::vector<Body>& bodies);
    void on(wire::msg::Checkpoint& message, std::vector<Body>& bodies);
    void on(wire::msg::CaughtUp& message, std::vector<Body>& bodies);
    void on(wire::msg::FellBehind& message, std::vector<Body>& bodies);
    void on(wire::msg::Ephemeral& message, std::vector<Body>& bodies);
    void on(wire::msg::Dropped& message, std::vector<Body>& bodies);
    void on(wire::msg::Ended& message, std::vector<Body>& bodies);
    void on(wire::msg::Done& message, std::vector<Body>& bodies);
    void on(wire::msg::Reply& message, std::vector<Body>& bodies);
    void on(wire::msg::Call& message, std::vector<Body>& bodies);
    template <typename Message>
    void on(Message& message, std::vector<Body>& bodies) {
        answer_plain(message.id, std::move(message), bodies);
    }
    void answer_plain(std::uint64_t id, wire::msg::FromNode message, std::vector<Body>& bodies);
    void refuse_plain(wire::msg::Rejected& rejected, std::vector<Body>& bodies);
    void send_plain();
    void time_out_plain(Monotonic now);
    void forget_published(const Error& why);
    void close_plain(const Error& why);

    bool refuse_service(wire::msg::Rejected& rejected);
    void end_call(std::uint64_t id, Result<Answer> answer);
    void send_calls();
    void send_serve(Serving& serving);
    void send_unserve(std::uint64_t worker);
    void welcome_services();
    void lose_services();
    void tick_services(Monotonic now);
    void close_services(const Error& why);

    // Sends what credit allows: first what this connection has not seen, then what is new.
    void send_more();
    bool send_again();
    bool has_credit(std::size_t bytes) const;
    Lane& lane_of(const Sequenced& call);
    void send_first(std::unique_ptr<Sequenced> call);
    void send(Lane& lane, std::size_t i);
    void settle(Lane& lane, std::size_t i, Result<Written> outcome);
    void resolve(std::unique_ptr<Sequenced> call, Result<Written> outcome);
    void trim(Lane& lane);
    Written written(const wire::msg::ReceiptRange& range, std::uint32_t i) const;
    void refuse(Lane& lane, std::size_t i, Error error);
    void time_out(Monotonic now);
    void time_out(std::deque<std::unique_ptr<Sequenced>>& unsent, Monotonic now);

    void send_subscribe(SubscriptionId id, Subscribed& subscription);
    void merge(Subscribed& subscription, const Position& moved);
    void tell(SubscriptionId id, Told::Kind kind, Subscribed& subscription);
    void end(SubscriptionId id, Error error);
    Subscribed* find(SubscriptionId id);

    SessionOptions options_;
    Effects effects_;
    State state_ = State::idle;
    Standing standing_ = Standing::trying;
    Error failure_;
    std::optional<Error> last_loss_;  // since the last welcome
    std::size_t server_ = 0;
    std::size_t failures_ = 0;      // in a row
    std::uint32_t connection_ = 0;  // counts them
    std::uint64_t random_;
    Monotonic now_{};
    Monotonic since_{};     // of the state
    Monotonic retry_at_{};  // when waiting
    Monotonic heard_{};
    Monotonic said_{};
    wire::msg::Welcome welcome_;
    std::vector<std::optional<Uuid>> lineages_;  // by partition, of that Welcome
    std::uint64_t credit_bytes_ = 0;
    std::uint32_t credit_requests_ = 0;
    std::uint64_t bytes_in_flight_ = 0;
    std::uint32_t requests_in_flight_ = 0;
    std::optional<Monotonic> resend_at_;
    bool resends_wait_ = false;  // for credit: nothing new may go before them

    std::deque<std::unique_ptr<Sequenced>> waiting_;  // never sent
    std::vector<Lane> lanes_;                         // by partition
    std::uint64_t next_id_ = wire::msg::kFirstPlainId;
    std::map<std::uint64_t, Plain> plain_;  // on their way, so many at most
    std::deque<Plain> plain_waiting_;
    Monotonic plain_resume_{};  // not sent before: the node was busy
    std::map<SubscriptionId, Subscribed> subscriptions_;
    std::map<std::uint64_t, ServiceCall> calls_;  // sent on this connection
    std::deque<ServiceCall> calls_waiting_;       // for a connection
    std::map<std::uint64_t, Serving> servings_;   // by the worker's id
};

}  // namespace skald::client
