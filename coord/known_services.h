// The instances of services as they were known last, for when the store is out of reach.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "skald/clock.h"
#include "skald/registry.h"

namespace skald::coord {

// Thread safe. Beyond its bound the service that was heard of longest ago goes.
class KnownServices {
  public:
    struct Known {
        std::vector<Instance> instances;
        Monotonic at{};  // when they were so
    };

    explicit KnownServices(std::size_t services_max) : services_max_(services_max) {}

    // What is older than what is known changes nothing.
    void remember(const std::string& service, Known known);
    // Until then nothing else was heard of it.
    void still(const std::string& service, Monotonic at);
    std::optional<Known> recall(const std::string& service) const;

  private:
    const std::size_t services_max_;
    mutable std::mutex mutex_;
    std::map<std::string, Known> services_;  // guarded by mutex_
};

}  // namespace skald::coord
