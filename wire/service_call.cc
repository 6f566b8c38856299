#include "wire/service_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <type_traits>
#include <utility>

#include "base/glob.h"
#include "base/limits.h"

namespace skald::wire {

Result<void> check_serve_options(const ServeOptions& options) {
    if (options.threads == 0 || options.threads > kServeThreadsMax) {
        return Error(Errc::invalid_argument,
                     fmt::format("{} threads of 1-{}", options.threads, kServeThreadsMax));
    }
    return {};
}

namespace {

Error handler_failed(std::string_view why) {
    return {Errc::handler_failed, fmt::format("the worker failed: {}", why)};
}

// `handler` is one or the other kind.
template <typename Handler>
std::invoke_result_t<const Handler&, const ServiceRequest&> call(const Handler& handler,
                                                                 const ServiceRequest& request) {
    try {
        return handler(request);
    } catch (const std::exception& thrown) {
        return handler_failed(thrown.what());
    } catch (...) {
        return handler_failed("it threw no std::exception");
    }
}

// What may travel of it.
Result<std::string> cut(Result<std::string> reply) {
    if (reply && reply->size() > limits::kRequestBytesMax) {
        return handler_failed(fmt::format("a reply of {} bytes; at most {}", reply->size(),
                                          limits::kRequestBytesMax));
    }
    if (!reply) {
        Error& error = reply.error();
        error.message = utf8_prefix(error.message, limits::kErrorTextBytesMax);
        error.conflicts.resize(std::min(error.conflicts.size(), limits::kErrorConflictsMax));
    }
    return reply;
}

}  // namespace

Result<std::string> carry_out(const ServiceHandler& handler, const ServiceRequest& request) {
    return cut(call(handler, request));
}

std::optional<Result<std::string>> BriefAnswers::ask(const ServiceRequest& request) {
    const std::lock_guard lock(mutex_);
    if (!handler_) {
        return std::nullopt;
    }
    auto reply = call(handler_, request);
    return reply ? std::optional(cut(std::move(*reply))) : std::nullopt;
}

void BriefAnswers::close() {
    const std::lock_guard lock(mutex_);
    handler_ = nullptr;
}

}  // namespace skald::wire
