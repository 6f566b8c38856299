// Requests and replies between programs, through a node: a program serves a name, others ask it.
//
// A node hands each request to one of the workers that serve the name. Nothing is stored. A request
// is handed out at most once; whoever asks again after outcome_unknown, asks for it maybe a second
// time, so what changes something carries a command id (cqrs/bus.h).
//
// Threads: every method may be called from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "skald/client.h"
#include "skald/result.h"

namespace skald {

// How the workers of a service share its requests. All workers of a service say the same.
enum class Balance : std::uint8_t {
    round_robin = 0,        // in turn
    least_outstanding = 1,  // whoever has fewest without a reply
    weighted = 2,           // in turn, by weight
};

struct ServeOptions {
    Balance balance = Balance::round_robin;
    std::uint32_t weight = 1;  // 1-1,000; with Balance::weighted
    // Requests that this worker carries out at one time, each on a thread of its own: 1-1,024.
    // When all workers of a service are at work, up to 4,096 requests wait at the node; beyond,
    // busy.
    std::uint32_t threads = 1;
};

// A request as a worker sees it; valid during the call. `left`: whoever asked waits no longer.
struct ServiceRequest {
    std::string_view payload;
    std::chrono::milliseconds left{0};
};
// The reply, up to 4 MiB, or an error, which whoever asked gets. One that throws is handler_failed.
using ServiceHandler = std::function<Result<std::string>(const ServiceRequest&)>;

// Serves until it is destroyed, over lost connections and restarts of the node too. Requests whose
// replies are not there yet by then are outcome_unknown for whoever asked; calls that run are
// waited for.
class Serving {
  public:
    virtual ~Serving() = default;
};

class Services {
  public:
    virtual ~Services() = default;

    // Returns once the node knows it. Names: 1-240 bytes. It takes the right to administer
    // `service/NAME`, else forbidden. already_exists when others serve the name with another
    // balance; invalid_argument; busy beyond 256 services of a client.
    virtual Result<std::unique_ptr<Serving>> serve(std::string_view name, ServiceHandler handler,
                                                   const ServeOptions& options = {}) = 0;

    // The reply of one worker, or: its error; not_ready when nobody serves the name; timed_out when
    // the time was over before a worker had room; outcome_unknown when a worker had got it, and
    // then the time was over, the worker left, or the connection was lost; busy at a bound of node
    // or client; forbidden without the right to write `service/NAME`; request_too_large beyond 4
    // MiB. `time` is cut to 10 minutes.
    virtual Result<std::string> request(std::string_view name, std::string payload,
                                        std::chrono::milliseconds time) = 0;
};

// Errors: those of connect(); unsupported_version when the node knows no services. The Serving of a
// Services must not outlive it.
Result<std::unique_ptr<Services>> connect_services(const ClientOptions& options);

}  // namespace skald
