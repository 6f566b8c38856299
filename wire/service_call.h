// A request as the program that serves it carries it out, wherever it came from.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "skald/service_host.h"

namespace skald::wire {

// What the node itself answers, as a service: the names of services that begin with the payload,
// one a line, those that may be asked.
inline constexpr std::string_view kServiceNames = "$services";

// Behind the name of a service it names a place of it.
inline constexpr char kPlaceSign = '#';
inline bool is_place(std::string_view service) {
    return service.find(kPlaceSign) != std::string_view::npos;
}
// The service that a place is of; else its own name.
inline std::string_view service_of(std::string_view name) {
    return name.substr(0, name.find(kPlaceSign));
}

inline constexpr std::uint32_t kServeThreadsMax = 1024;

// invalid_argument when they are out of bounds.
Result<void> check_serve_options(const ServeOptions& options);

// What it throws, and a reply that is too large, are handler_failed. An error is cut to what may
// travel.
Result<std::string> carry_out(const ServiceHandler& handler, const ServiceRequest& request);

// A worker's brief handler, on a thread that is not the worker's, until the worker ends. Thread
// safe.
class BriefAnswers {
  public:
    explicit BriefAnswers(BriefHandler handler) : handler_(std::move(handler)) {}
    // As carry_out. nullopt: the worker's handler is to carry it out.
    std::optional<Result<std::string>> ask(const ServiceRequest& request);
    // The handler does not run any more when this returns: not from it.
    void close();

  private:
    std::mutex mutex_;
    BriefHandler handler_;  // guarded by mutex_; none: there is none, or it is closed
};

}  // namespace skald::wire
