// Named services: who serves each, which request goes to which worker, what is unanswered. Pure:
// what is to be sent comes out as lists.
//
// A request goes at once to a worker with capacity left; else it waits in the queue of its service,
// in order. Whoever asked gets exactly one answer, unless it left: the worker's; not_ready when
// nobody serves; busy at a bound; timed_out when its time was over before a worker got it;
// outcome_unknown when a worker had got it, and then its time was over or the worker left.
//
// One thread at a time.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "broker/effects.h"
#include "skald/result.h"
#include "wire/messages.h"

namespace skald::broker {

// A session: peers' numbers are used again, serials are not.
struct ServiceClient {
    PeerId peer = 0;
    std::uint64_t serial = 0;  // 0: it left
    bool operator==(const ServiceClient&) const = default;
};
// The node's own process, which has no session.
inline constexpr ServiceClient kHere{0, 1};

class ServiceTable {
  public:
    struct Call {  // to a worker
        ServiceClient client;
        std::uint64_t worker = 0;  // the id it serves under
        std::uint64_t number = 0;
        Monotonic left{};
        Frame payload;
    };
    struct Answer {  // to whoever asked
        PeerId peer = 0;
        std::uint64_t id = 0;
        Result<Frame> reply;
    };
    struct Out {
        std::vector<Call> calls;
        std::vector<Answer> answers;
        std::map<std::uint64_t, std::size_t> bytes;  // of the calls, by the worker's serial
    };
    struct Counters {
        std::uint64_t requests = 0;
        std::uint64_t replies = 0;
        std::uint64_t unserved = 0;   // nobody served, or left while they waited
        std::uint64_t busy = 0;       // at a bound
        std::uint64_t timed_out = 0;  // handed out or not
        std::uint64_t abandoned = 0;  // their worker left
        std::uint64_t late = 0;       // responses that nobody waited for any more
    };

    // `room`: how many bytes more may be sent to a client. A worker that does not take what it was
    // sent gets nothing more until it does.
    explicit ServiceTable(std::function<std::size_t(const ServiceClient&)> room)
        : room_(std::move(room)) {}

    // already_exists when the service is balanced otherwise, or the id serves already; busy beyond
    // kWorkersMax or kSessionWorkersMax; invalid_argument for a weight or capacity out of range.
    Result<void> serve(const ServiceClient& worker, const wire::msg::Serve& serve, Monotonic now,
                       Out& out);
    // Its unanswered requests are abandoned. not_found for an id that does not serve.
    Result<void> unserve(const ServiceClient& worker, std::uint64_t id, Monotonic now, Out& out);
    // An error is the answer; else it comes.
    Result<void> request(const ServiceClient& from, const wire::msg::Request& request,
                         Frame payload, Monotonic now, Out& out);
    // One that nobody waits for is dropped; one of another worker or that was never made is
    // malformed.
    Result<void> respond(const ServiceClient& worker, std::uint64_t number, Result<Frame> reply,
                         Monotonic now, Out& out);
    void forget(const ServiceClient& client, Monotonic now, Out& out);
    void tick(Monotonic now, Out& out);
    // Workers may have room again: hands out what waits.
    void go_on(Monotonic now, Out& out);

    // Of the services that start with `prefix`, in order: those that pass.
    std::vector<std::string> names(std::string_view prefix,
                                   const std::function<bool(const std::string&)>& passes) const;

    // Of unanswered requests, and of places that workers have not given back.
    std::size_t bytes() const { return bytes_; }
    std::size_t workers() const { return worker_names_.size(); }
    std::size_t unanswered() const { return deadlines_.size(); }
    const Counters& counters() const { return counters_; }

  private:
    struct Worker {
        ServiceClient client;
        std::uint64_t id = 0;
        std::int64_t weight = 1;
        std::size_t capacity = 1;
        std::int64_t turn = 0;
        std::set<std::uint64_t> taken;  // numbers without a response
    };
    struct Service {
        Balance balance = Balance::round_robin;
        std::vector<Worker> workers;
        std::deque<std::uint64_t> queue;
    };
    using Services = std::map<std::string, Service, std::less<>>;
    struct Request {
        ServiceClient from;
        std::uint64_t id = 0;
        Services::iterator service;
        Monotonic deadline{};
        Frame payload;                        // until it is handed out
        std::size_t bytes = 0;                // of the payload, while somebody waits
        std::optional<ServiceClient> worker;  // that has it
    };
    using Requests = std::unordered_map<std::uint64_t, Request>;
    using WorkerKey = std::pair<std::uint64_t, std::uint64_t>;  // the session's serial, the id

    Worker* pick(Service& service, const Out& out) const;
    bool free(const Worker& worker, const Out& out) const;
    void hand_out(Services::iterator service, Monotonic now, Out& out);
    void end(std::uint64_t number, Result<Frame> reply, Out& out);
    void withdraw(std::uint64_t number);
    void remove_worker(Services::iterator service, std::size_t at, Monotonic now, Out& out);
    void time_out(std::uint64_t number, Out& out);
    void settle(Request& request, std::uint64_t number);
    void erase(Requests::iterator request);

    std::function<std::size_t(const ServiceClient&)> room_;
    Services services_;
    Requests requests_;
    std::map<WorkerKey, Services::iterator> worker_names_;
    std::unordered_map<std::uint64_t, std::set<std::uint64_t>> asked_;  // by serial: numbers
    std::set<std::pair<Monotonic, std::uint64_t>> deadlines_;           // of unanswered ones
    std::uint64_t next_number_ = 1;
    std::size_t bytes_ = 0;
    std::size_t queued_ = 0;  // without a worker
    Counters counters_;
};

}  // namespace skald::broker
