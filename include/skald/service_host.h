// Serving requests of other programs: what a node (node.h) and a client of one (services.h) have in
// common.
//
// Threads: every method may be called from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "skald/result.h"

namespace skald {

// How the workers of a service share its requests. All workers of a service say the same.
enum class Balance : std::uint8_t {
    round_robin = 0,        // in turn
    least_outstanding = 1,  // whoever has fewest without a reply
    weighted = 2,           // in turn, by weight
};

// A request as a worker sees it; valid during the call. `left`: whoever asked waits no longer.
struct ServiceRequest {
    std::string_view payload;
    std::chrono::milliseconds left{0};
};
// The reply, up to 4 MiB, or an error, which whoever asked gets, with 64 KiB of its words. One that
// throws is handler_failed.
using ServiceHandler = std::function<Result<std::string>(const ServiceRequest&)>;
// The same for what takes a look and no more, some 50 us: it runs on the thread that also serves
// all others, so it waits for nothing and nobody. nullopt: the ServiceHandler is to carry it out.
using BriefHandler = std::function<std::optional<Result<std::string>>(const ServiceRequest&)>;

struct ServeOptions {
    Balance balance = Balance::round_robin;
    std::uint32_t weight = 1;  // 1-1,000; with Balance::weighted
    // Requests that this worker carries out at one time, each on a thread of its own: 1-1,024.
    // When all workers of a service are at work, up to 4,096 requests wait at the node; beyond,
    // busy.
    std::uint32_t threads = 1;
    // When set, each request is shown to it first: what it answers is spared two changes of thread.
    BriefHandler brief{};
};

// Serves until it is destroyed, over lost connections and restarts of the node too; where the node
// refuses it after one, it is asked again every 200 ms. Requests whose replies are not there yet by
// the end are outcome_unknown for whoever asked; calls that run are waited for, so not from one.
class Serving {
  public:
    virtual ~Serving() = default;
};

class ServiceHost {
  public:
    virtual ~ServiceHost() = default;

    // Returns once the node knows it. Names: 1-240 bytes, like those of streams, and none that
    // starts with `$`: those are the node's. `NAME#WORD` is a place of NAME: the rights to it are
    // those to NAME, and it is not among the names that a node tells; for what belongs to one
    // worker, as the next page of something that it holds. From a client it takes the right to
    // administer `service/NAME`, else forbidden. already_exists when others serve the name with
    // another balance; invalid_argument; busy beyond 256 services of a client, or when the system
    // gives no more threads; timed_out, unreachable, shutting_down. A Serving must not outlive its
    // host.
    virtual Result<std::unique_ptr<Serving>> serve(std::string_view name, ServiceHandler handler,
                                                   const ServeOptions& options = {}) = 0;
};

}  // namespace skald
