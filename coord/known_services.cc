#include "coord/known_services.h"

#include <algorithm>
#include <utility>

namespace skald::coord {

void KnownServices::remember(const std::string& service, Known known) {
    const std::lock_guard lock(mutex_);
    const auto [it, added] = services_.try_emplace(service);
    if (!added && it->second.at > known.at) {
        return;
    }
    it->second = std::move(known);
    if (services_.size() > services_max_) {
        services_.erase(std::min_element(
            services_.begin(), services_.end(),
            [](const auto& a, const auto& b) { return a.second.at < b.second.at; }));
    }
}

void KnownServices::still(const std::string& service, Monotonic at) {
    const std::lock_guard lock(mutex_);
    if (const auto it = services_.find(service); it != services_.end()) {
        it->second.at = std::max(it->second.at, at);
    }
}

std::optional<KnownServices::Known> KnownServices::recall(const std::string& service) const {
    const std::lock_guard lock(mutex_);
    const auto it = services_.find(service);
    return it == services_.end() ? std::nullopt : std::optional(it->second);
}

}  // namespace skald::coord
