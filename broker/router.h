// The routing core of a node: what arrived, what was decided and what time it is go in; submissions
// to the volume and messages to clients come out as Effects. No I/O, no clock, no threads of its
// own.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "broker/arena.h"
#include "broker/effects.h"
#include "broker/exchange.h"
#include "broker/scavenge_runner.h"
#include "broker/service_table.h"
#include "broker/session.h"
#include "broker/stage_stats.h"
#include "skald/node.h"
#include "store/volume.h"
#include "wire/messages.h"

namespace skald::broker {

// One message off the socket, copied into the router's arena.
struct Arrival {
    PeerId peer = 0;
    RequestArena::Place envelope;
    RequestArena::Place body;  // the first body frame; its block is null when there is none
    std::uint32_t frames = 1;
    std::string key;  // the peer's public key; only looked at for a Hello
};

// Work that may take long, to be done on another thread; the answer comes back through finish().
struct Job {
    PeerId peer = 0;
    std::uint64_t serial = 0;
    std::size_t bytes = 0;  // it holds; 0: it lists streams
    std::function<wire::msg::FromNode()> run;
};
struct JobAnswer {
    PeerId peer = 0;
    std::uint64_t serial = 0;
    std::size_t bytes = 0;
    wire::msg::FromNode message;
};

struct RouterCounters {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
    std::uint64_t requests = 0;  // appends and changes decided
    std::uint64_t events = 0;
    std::uint64_t commits = 0;
    std::uint64_t delivered_events = 0;
    std::uint64_t delivered_bytes = 0;
    std::uint64_t ephemeral_published = 0;
    std::uint64_t ephemeral_delivered = 0;
    std::uint64_t ephemeral_dropped = 0;
    std::uint64_t malformed = 0;
    std::uint64_t discarded = 0;
    std::uint64_t strangers = 0;
    std::uint64_t expired = 0;
    std::uint64_t rejected[9] = {};  // by error class
};

// One thread at a time. `volume`, `listener` and `scavenges` outlive it. `send_room` says how many
// bytes the socket may take on for a peer right now.
class Router {
  public:
    struct Parts {
        store::Volume& volume;
        store::AppendListener& listener;
        NodeLimits limits;
        std::vector<Permission> permissions;
        std::function<std::size_t(PeerId)> send_room;
        ScavengeRunner& scavenges;
    };
    explicit Router(Parts parts, Monotonic now);
    ~Router();

    RequestArena& arena() { return arena_; }
    bool knows(PeerId peer) { return find(peer) != nullptr; }

    // One round: messages in the order they came. Submissions come out grouped by session.
    void receive(std::vector<Arrival>& arrivals, RoundTimes times, Effects& effects);
    // The round's submissions were handed on at `now`.
    void submitted(Monotonic now);
    // What the writer decided. Every session gets one cumulative message.
    void decided(OutcomeBatch& batch, Monotonic now, Effects& effects);
    void finish(JobAnswer answer, Effects& effects);

    // The volume has news for its readers.
    void news();
    // An ephemeral event of this process.
    void relay(const store::EphemeralEvent& event);
    std::size_t fanning_out() const { return fan_outs_.size(); }
    // Whether there is room for what gathered in this process since the last turn.
    bool takes_relayed() const;
    // One turn of ephemeral events, reads, and subscriptions that have news and credit: for
    // sessions with room, round about, until a bound of limits::kTurn... is reached or it is
    // `late`. True when more could be done at once.
    bool pump(Effects& effects, const std::function<bool()>& late);
    // Heartbeats, expiry, checkpoints. To be called every kTickInterval or so.
    void tick(Monotonic now, Effects& effects);
    // The peer cannot be reached any more.
    void lost(PeerId peer);
    // Workers in this process: what they are called with comes out as Effects::calls.
    Result<void> serve_here(const wire::msg::Serve& serve, Monotonic now, Effects& effects);
    void unserve_here(std::uint64_t worker, Monotonic now, Effects& effects);
    void respond_here(std::uint64_t number, Result<Frame> reply, Monotonic now, Effects& effects);
    // From now on requests are refused as shutting_down; those in flight are still decided.
    void begin_drain() { draining_ = true; }
    // Ends all sessions with a goodbye.
    void end_all(Effects& effects);
    bool draining() const { return draining_; }
    std::size_t in_flight() const { return slots_.size() - free_slots_.size(); }

    std::vector<Job>& jobs() { return jobs_; }
    const RouterCounters& counters() const { return counters_; }
    StageStats& stages() { return stages_; }
    std::size_t sessions() const { return sessions_.size(); }
    std::size_t subscriptions() const { return subscriptions_; }
    const ServiceTable& services() const { return services_; }

  private:
    // A request between submission and outcome.
    struct Slot {
        PeerId peer = 0;
        std::uint32_t round = 0;
        std::uint64_t serial = 0;
        std::uint64_t id = 0;
        std::uint64_t bytes = 0;
        RequestArena::Block* block = nullptr;
        Partition partition;
        bool primary = false;
    };
    // A subscription that asked for ephemeral events.
    using Target = std::pair<PeerId, std::uint64_t>;
    // An ephemeral event on its way to them.
    struct FanOut {
        store::EphemeralEvent event;
        std::size_t bytes = 0;     // it counts for
        PeerId peer = 0;           // who published it
        std::uint64_t serial = 0;  // of its session; 0: nobody who waits for an answer
        std::uint64_t id = 0;
        Target after{};  // those up to here were looked at
    };
    struct Round {
        RoundTimes times;
        std::uint32_t live = 0;
    };

    Session* find(PeerId peer);
    void handle(Session& session, Arrival& arrival);
    void handle_stranger(Arrival& arrival);
    void hello(Arrival& arrival, const wire::msg::Hello& hello);
    void welcome(Session& session, const wire::msg::Hello& hello);
    void end_session(PeerId peer);
    void malformed(Session& session, const Error& error);
    void refuse(Session& session, std::uint64_t id, Error error, Partition partition = {});
    void release(Arrival& arrival);
    static void hand_over(Session& session, Effects& effects);

    // One per message; true when the arrival's memory was taken over.
    bool on(Session& session, Arrival& arrival, const wire::msg::Append& append);
    bool on(Session& session, Arrival& arrival, const wire::msg::Hello& hello);
    bool on(Session& session, Arrival& arrival, const wire::msg::Read& read);
    bool on(Session& session, Arrival& arrival, const wire::msg::Subscribe& subscribe);
    bool on(Session& session, Arrival& arrival, const wire::msg::Credit& credit);
    bool on(Session& session, Arrival& arrival, const wire::msg::Unsubscribe& unsubscribe);
    bool on(Session& session, Arrival& arrival, const wire::msg::GetStream& get);
    bool on(Session& session, Arrival& arrival, const wire::msg::ListStreams& list);
    bool on(Session& session, Arrival& arrival, const wire::msg::ChangeStream& change);
    bool on(Session& session, Arrival& arrival, const wire::msg::GetSnapshot& get);
    bool on(Session& session, Arrival& arrival, const wire::msg::PutSnapshot& put);
    bool on(Session& session, Arrival& arrival, const wire::msg::GetPosition& get);
    bool on(Session& session, Arrival& arrival, const wire::msg::PublishEphemeral& publish);
    bool on(Session& session, Arrival& arrival, const wire::msg::Bye& bye);
    bool on(Session& session, Arrival& arrival, const wire::msg::Heartbeat& heartbeat);
    bool on(Session& session, Arrival& arrival, const wire::msg::GetLog& get);
    bool on(Session& session, Arrival& arrival, const wire::msg::FetchLog& fetch);
    bool on(Session& session, Arrival& arrival, const wire::msg::FetchProducers& fetch);
    bool on(Session& session, Arrival& arrival, const wire::msg::Scavenge& scavenge);
    bool on(Session& session, Arrival& arrival, const wire::msg::Serve& serve);
    bool on(Session& session, Arrival& arrival, const wire::msg::Unserve& unserve);
    bool on(Session& session, Arrival& arrival, const wire::msg::Request& request);
    bool on(Session& session, Arrival& arrival, const wire::msg::Respond& respond);

    struct Sequenced {
        std::uint64_t id;
        std::uint64_t resolved_below;
        std::uint64_t after;
        Partition partition;
    };
    // Why an append or change may not even be looked at; nullopt when it may.
    std::optional<Error> gate(Session& session, std::size_t bytes);
    std::optional<Error> check_rights(const Session& session, const wire::RequestView& view) const;
    // The producer for the volume, gaps settled; an error when one is not.
    Result<Producer> sequence(Session& session, const Sequenced& request);
    void deny(Session& session, const Sequenced& request, Error error);
    Result<bool> append_one(Session& session, Bytes bytes, const Sequenced& request,
                            RequestArena::Block* block);
    bool submit(Session& session, const wire::RequestView& view, const Sequenced& request,
                RequestArena::Block* block);
    std::uint64_t new_slot();
    void release_block(Slot& slot);
    void settle(Outcome& outcome, const store::CommitTimes& times, Monotonic now);
    void flush(Monotonic now, Effects& effects);
    void drop_round(std::uint32_t round);

    struct Turn;
    using Subscriptions = decltype(Session::subscriptions);
    bool admit_plain(Session& session, std::uint64_t id);
    void wait(Session& session, std::uint64_t id, Waiting waiting);
    void forget_waiting(Session& session);
    bool answer(Session&, Waiting&, const wire::msg::Read&, std::size_t room);
    bool answer(Session&, Waiting&, const wire::msg::GetStream&, std::size_t room);
    bool answer(Session&, Waiting&, const wire::msg::ListStreams&, std::size_t room);
    bool answer(Session&, Waiting&, const wire::msg::GetSnapshot&, std::size_t room);
    bool answer(Session&, Waiting&, const wire::msg::GetPosition&, std::size_t room);
    bool answer(Session&, Waiting&, const wire::msg::GetLog&, std::size_t room);
    bool answer(Session&, Waiting&, const wire::msg::FetchLog&, std::size_t room);
    bool answer(Session&, Waiting&, const wire::msg::FetchProducers&, std::size_t room);
    bool admit_administrator(Session& session, std::uint64_t id);
    std::optional<Error> gate_snapshot(const Session& session, std::size_t bytes) const;
    void send_page(Session& session, std::uint64_t id, store::Step& step,
                   const store::Cursor& cursor);
    std::optional<Error> check_subscribe(const Session& session,
                                         const wire::msg::Subscribe& message) const;
    void end_subscription(Session& session, Subscriptions::iterator it);
    void forget_subscriptions(Session& session);
    void make_ready(Session& session, Subscription& subscription);
    void take_turn(Session& session);
    bool answer_next(Session& session, std::size_t room);
    bool deliver_next(Session& session, std::size_t room);
    bool visit(Session& session, Turn& turn);
    void count_deliveries(const Effects& effects, std::size_t from);
    static std::optional<Error> check_ephemeral(const Session& session);
    Result<store::EphemeralEvent> open_ephemeral(const Session& session, const Arrival& arrival);
    void fan_out(Turn& turn);
    std::size_t send_ephemeral(Session& session, Subscription& subscription,
                               const store::EphemeralEvent& event);
    void finish(const FanOut& done);
    Result<void> check_services(const Session& session) const;
    void answer_names(Session& session, const Arrival& arrival, const wire::msg::Request& request);
    Result<void> serve(Session& session, const wire::msg::Serve& serve);
    Result<void> request(Session& session, const Arrival& arrival,
                         const wire::msg::Request& request);
    void send_services();
    // Bytes of all requests that the node holds.
    std::size_t bytes_held() const { return bytes_in_flight_ + services_.bytes(); }
    std::optional<Error> check_selection(const Session& session, const Selection& selection) const;

    Parts parts_;
    RequestArena arena_;
    std::unordered_map<PeerId, std::unique_ptr<Session>> sessions_;
    std::unordered_map<Uuid, PeerId> by_producer_;
    Session* last_found_ = nullptr;
    std::uint64_t next_serial_ = kHere.serial + 1;
    std::size_t subscriptions_ = 0;
    std::size_t subscription_bytes_ = 0;

    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_slots_;
    std::size_t bytes_in_flight_ = 0;
    std::size_t relayed_bytes_ = 0;  // of events of this process that are fanned out
    std::vector<Round> rounds_;
    std::vector<std::uint32_t> free_rounds_;
    std::uint32_t round_ = 0;

    std::vector<Session*> touched_;  // have submissions in this round
    std::vector<PeerId> to_flush_;   // have receipts gathered
    std::vector<PeerId> subscribers_;
    std::deque<PeerId> turn_;  // sessions with a request that waits or a subscription to go on
    std::map<Target, Subscription*> ephemeral_;
    std::deque<FanOut> fan_outs_;
    std::uint64_t turns_ = 0;
    ServiceTable services_;
    ServiceTable::Out services_out_;  // not yet sent
    Effects* effects_ = nullptr;      // of the call that runs
    std::vector<Job> jobs_;
    std::size_t listing_ = 0;  // jobs that list streams
    Monotonic now_;
    Monotonic stranger_told_{};
    bool draining_ = false;
    RouterCounters counters_;
    StageStats stages_;
};

inline constexpr auto kTickInterval = std::chrono::milliseconds(100);

}  // namespace skald::broker
