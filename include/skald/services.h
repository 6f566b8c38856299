// Requests and replies between programs, through a node: a program serves a name, others ask it.
//
// A node hands each request to one of the workers that serve the name. Nothing is stored. A request
// is handed out at most once; whoever asks again after outcome_unknown, asks for it maybe a second
// time, so what changes something carries a command id (cqrs/bus.h).
//
// Threads: every method may be called from any thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "skald/client.h"
#include "skald/result.h"
#include "skald/service_host.h"

namespace skald {

class Services : public ServiceHost {
  public:
    // The reply of one worker, or: its error; not_ready when nobody serves the name; timed_out when
    // the time was over before a worker had room; outcome_unknown when a worker had got it, and
    // then the time was over, the worker left, or the connection was lost; busy at a bound of node
    // or client; forbidden without the right to write `service/NAME`; request_too_large beyond 4
    // MiB; invalid_argument without time; unreachable or timed_out when it was never sent;
    // shutting_down. `time` is cut to 10 minutes.
    virtual Result<std::string> request(std::string_view name, std::string payload,
                                        std::chrono::milliseconds time) = 0;
    // The same for whoever does not wait: `answer` is called once, at the end of Services at the
    // latest, here or on a thread of the client, which it must not hold up.
    virtual void begin_request(std::string_view name, std::string payload,
                               std::chrono::milliseconds time,
                               std::function<void(Result<std::string>)> answer) = 0;

    // Of the services that start with `prefix`, have workers now, and may be asked with this key;
    // in order. `time` as above.
    virtual Result<std::vector<std::string>> names(std::string_view prefix,
                                                   std::chrono::milliseconds time) = 0;
};

// Errors: those of connect(); unsupported_version when the node knows no services. The Serving of a
// Services must not outlive it.
Result<std::unique_ptr<Services>> connect_services(const ClientOptions& options);

}  // namespace skald
