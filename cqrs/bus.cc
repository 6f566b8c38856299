#include "skald/cqrs/bus.h"

#include <fmt/format.h>

namespace skald::cqrs {

ExecuteOptions execute(const SendOptions& options) {
    ExecuteOptions made;
    made.command_id = options.command_id;
    made.correlation_id = options.correlation_id;
    made.causation_id = options.causation_id;
    made.trace_context = options.trace_context;
    made.hop = options.hop;
    return made;
}

void Bus::use(Middleware middleware) {
    middleware_.push_back(std::move(middleware));
}

Result<void> Bus::add(Route route) {
    const std::string name = route.name;
    if (!routes_.emplace(name, std::move(route)).second) {
        return Error(Errc::already_exists, fmt::format("{} has a handler already", name));
    }
    return {};
}

Result<std::string> Bus::carry(std::string_view name, std::uint32_t schema_version,
                               std::string_view data, const SendOptions& options) const {
    const auto route = routes_.find(name);
    if (route == routes_.end()) {
        return unknown(name);
    }
    return route->second.carry_data(schema_version, data, options,
                                    [this](const Message& message) { return dispatch(message); });
}

// Unknown ones do not reach the middleware: there is nothing to be done with them.
Result<Reply> Bus::dispatch(const Message& message) const {
    if (!routes_.contains(message.name())) {
        return unknown(message.name());
    }
    try {
        return pass(0, message);
    } catch (const std::exception& thrown) {
        return Error(Errc::handler_failed, fmt::format("{}: {}", message.name(), thrown.what()));
    } catch (...) {
        return Error(Errc::handler_failed, fmt::format("{}: not a std::exception", message.name()));
    }
}

Result<Reply> Bus::pass(std::size_t from, const Message& message) const {
    if (from == middleware_.size()) {
        return routes_.find(message.name())->second.handler(message);
    }
    return middleware_[from](message,
                             [this, from](const Message& next) { return pass(from + 1, next); });
}

Error Bus::unknown(std::string_view name) const {
    return {Errc::not_found,
            fmt::format("nobody handles {}; known: {}", name,
                        routes_.empty() ? "none" : fmt::format("{}", fmt::join(names(), ", ")))};
}

std::vector<std::string> Bus::names() const {
    std::vector<std::string> names;
    for (const auto& [name, route] : routes_) {
        names.push_back(name);
    }
    return names;
}

}  // namespace skald::cqrs
