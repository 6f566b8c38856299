#include "coord/lease_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/out_of_reach.h"
#include "base/random.h"
#include "coord/followed.h"
#include "coord/look.h"

namespace skald::coord {
namespace {

std::vector<Instance> selected(std::vector<Instance> instances, const DiscoverOptions& options) {
    std::erase_if(instances, [&](const Instance& instance) { return !wanted(instance, options); });
    return instances;
}

Look of_each_kind(
    std::function<Result<void>(const std::string&, std::chrono::milliseconds)> request,
    Look socket) {
    return [request = std::move(request), socket = std::move(socket)](const Probe& probe,
                                                                      const std::stop_token& stop) {
        return probe.kind == Probe::Kind::request ? request(probe.target, probe.timeout)
                                                  : socket(probe, stop);
    };
}

}  // namespace

class LeaseRegistry::Handle final : public Registration {
  public:
    Handle(LeaseRegistry& registry, std::string id, std::shared_ptr<Enrolled> enrolled,
           const InstanceSettings& settings)
        : id_(std::move(id)), enrolled_(std::move(enrolled)) {
        const Monotonic now = registry.clock_.monotonic();
        upkeep_ = registry.upkeep_.add(
            settings.heartbeat, now + settings.heartbeat,
            [enrolled = enrolled_](const std::stop_token&) { enrolled->keep_up(); });
        if (settings.probe) {
            looks_ = registry.looks_.add(
                settings.probe->interval, now,
                [enrolled = enrolled_, &look = registry.look_](const std::stop_token& stop) {
                    enrolled->look(look, stop);
                });
        }
    }
    ~Handle() override { (void)enrolled_->end(); }

    const std::string& id() const override { return id_; }
    bool registered() const override { return !enrolled_->ended(); }
    Result<void> update(std::string endpoint, Metadata metadata) override {
        return enrolled_->update(std::move(endpoint), std::move(metadata));
    }
    Result<void> deregister() override { return enrolled_->end(); }

  private:
    const std::string id_;
    const std::shared_ptr<Enrolled> enrolled_;
    std::unique_ptr<Rounds::Round> upkeep_;
    std::unique_ptr<Rounds::Round> looks_;
};

class LeaseRegistry::Watching final : public RegistryWatch {
  public:
    Watching(LeaseRegistry& registry, std::string service, RegistryHandler handler)
        : registry_(registry),
          service_(std::move(service)),
          handler_(std::move(handler)),
          followed_(registry_.coord_, {instances_of(service_)},
                    {[this](const std::vector<std::vector<Entry>>& found) {
                         take(found.at(0));
                         return Follow::on;
                     },
                     [this](bool away) { take(away); }}) {}

    Result<void> begin() { return followed_.begin(); }

  private:
    void take(const std::vector<Entry>& entries) {
        auto instances = instances_in(service_, entries);
        registry_.known_.remember(service_, {instances, registry_.clock_.monotonic()});
        if (told_ == instances) {
            return;
        }
        told_ = std::move(instances);
        if (handler_.on_change) {
            handler_.on_change(*told_);
        }
    }
    void take(bool away) {
        if (away) {
            registry_.known_.still(service_, registry_.clock_.monotonic());
        }
        if (handler_.on_away) {
            handler_.on_away(away);
        }
    }

    LeaseRegistry& registry_;
    const std::string service_;
    const RegistryHandler handler_;
    std::optional<std::vector<Instance>> told_;
    Followed followed_;  // last: it calls the rest
};

LeaseRegistry::LeaseRegistry(Coord& coord, RegistryOptions options, const Clock& clock, Look look)
    : coord_(coord),
      clock_(clock),
      options_(std::move(options)),
      look_(of_each_kind(options_.request, std::move(look))),
      keeper_(coord, clock),
      upkeep_(1, clock),
      looks_(kLooksMax, clock) {}

void LeaseRegistry::wake() {
    upkeep_.wake();
    looks_.wake();
}

Result<void> LeaseRegistry::check_probe(const Probe& probe) const {
    if (probe.kind != Probe::Kind::request) {
        const auto target = target_of(probe);
        return target ? Result<void>() : target.error();
    }
    return options_.request ? Result<void>()
                            : refused("this registry has nothing to ask services with");
}

Result<std::unique_ptr<Registration>> LeaseRegistry::enroll(const InstanceSettings& wanted) {
    InstanceSettings settings = wanted;
    auto ok = check_instance(settings);
    ok = ok && settings.probe ? check_probe(*settings.probe) : ok;
    if (!ok) {
        return ok.error();
    }
    if (settings.id.empty()) {
        settings.id = to_string(random_uuid());
    }
    auto enrolled = std::make_shared<Enrolled>(coord_, keeper_, clock_, settings);
    if (ok = enrolled->begin(); !ok) {
        return ok.error();
    }
    return std::unique_ptr<Registration>(
        std::make_unique<Handle>(*this, settings.id, std::move(enrolled), settings));
}

Result<void> LeaseRegistry::deregister(const std::string& service, const std::string& id) {
    auto ok = check_service(service);
    ok = ok ? check_id(id) : ok;
    if (!ok) {
        return ok;
    }
    const InstanceKeys keys(service, id);
    Compare there = Compare::absent(keys.instance);
    there.is = Compare::Is::not_equal;
    const auto done = coord_.txn({{there}, erase(keys), {}});
    if (!done) {
        return done.error();
    }
    return done->succeeded ? Result<void>()
                           : Error(Errc::not_found,
                                   fmt::format("the service {} has no instance {}", service, id));
}

Result<std::vector<std::string>> LeaseRegistry::services() {
    const auto listing = coord_.get(instances_of_all(), Reading::linearizable);
    if (!listing) {
        return listing.error();
    }
    return services_in(listing->entries);
}

Result<Discovered> LeaseRegistry::discover(const std::string& service,
                                           const DiscoverOptions& options) {
    if (auto ok = check_service(service); !ok) {
        return ok.error();
    }
    const Monotonic now = clock_.monotonic();
    const auto listing = coord_.get(instances_of(service), Reading::linearizable);
    if (listing) {
        auto instances = instances_in(service, listing->entries);
        known_.remember(service, {instances, now});
        return Discovered{selected(std::move(instances), options), {}};
    }
    auto known = out_of_reach(listing.error()) ? known_.recall(service) : std::nullopt;
    if (!known) {
        return listing.error();
    }
    Discovered last{
        selected(std::move(known->instances), options),
        std::chrono::duration_cast<std::chrono::milliseconds>(clock_.monotonic() - known->at)};
    for (Instance& instance : last.instances) {
        instance.health = Health::unknown;
        instance.reason = "the registry is out of reach";
    }
    return last;
}

Result<std::unique_ptr<RegistryWatch>> LeaseRegistry::watch(const std::string& service,
                                                            RegistryHandler handler) {
    if (auto ok = check_service(service); !ok) {
        return ok.error();
    }
    auto watching = std::make_unique<Watching>(*this, service, std::move(handler));
    if (auto ok = watching->begin(); !ok) {
        return ok.error();
    }
    return std::unique_ptr<RegistryWatch>(std::move(watching));
}

std::unique_ptr<Registry> open_registry(Coord& coord, RegistryOptions options, const Clock& clock) {
    return std::make_unique<LeaseRegistry>(coord, std::move(options), clock, look);
}

}  // namespace skald::coord
