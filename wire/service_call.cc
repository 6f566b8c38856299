#include "wire/service_call.h"

#include <fmt/format.h>

#include <exception>

#include "base/limits.h"

namespace skald::wire {

Result<void> check_serve_options(const ServeOptions& options) {
    if (options.threads == 0 || options.threads > kServeThreadsMax) {
        return Error(Errc::invalid_argument,
                     fmt::format("{} threads of 1-{}", options.threads, kServeThreadsMax));
    }
    return {};
}

Result<std::string> carry_out(const ServiceHandler& handler, const ServiceRequest& request) {
    try {
        auto reply = handler(request);
        if (reply && reply->size() > limits::kRequestBytesMax) {
            return Error(Errc::handler_failed,
                         fmt::format("a reply of {} bytes; at most {}", reply->size(),
                                     limits::kRequestBytesMax));
        }
        return reply;
    } catch (const std::exception& thrown) {
        return Error(Errc::handler_failed, fmt::format("the worker failed: {}", thrown.what()));
    } catch (...) {
        return Error(Errc::handler_failed, "the worker threw no std::exception");
    }
}

}  // namespace skald::wire
