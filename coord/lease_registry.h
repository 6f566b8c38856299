// The registry as keys on leases (instance.h): what was registered is kept up in the background,
// and what was seen last answers while the store is out of reach.
#pragma once

#include "coord/enrolled.h"
#include "coord/known_services.h"
#include "coord/limits.h"
#include "coord/rounds.h"
#include "skald/registry.h"

namespace skald::coord {

class LeaseRegistry final : public Registry {
  public:
    // Looks through tcp and http as `look` does.
    LeaseRegistry(Coord& coord, RegistryOptions options, const Clock& clock, Look look);

    Result<std::unique_ptr<Registration>> enroll(const InstanceSettings& settings) override;
    Result<void> deregister(const std::string& service, const std::string& id) override;
    Result<std::vector<std::string>> services() override;
    Result<Discovered> discover(const std::string& service,
                                const DiscoverOptions& options) override;
    Result<std::unique_ptr<RegistryWatch>> watch(const std::string& service,
                                                 RegistryHandler handler) override;
    // Somebody moved the clock.
    void wake();

  private:
    class Handle;
    class Watching;
    Result<void> check_probe(const Probe& probe) const;

    Coord& coord_;
    const Clock& clock_;
    const RegistryOptions options_;
    const Look look_;  // of each kind
    KnownServices known_{kKnownServicesMax};
    LeaseKeeper keeper_;
    // Last: they end first, and what they do needs the rest.
    Rounds upkeep_;
    Rounds looks_;
};

}  // namespace skald::coord
