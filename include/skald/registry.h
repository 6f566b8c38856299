// The registry: which instances of which services there are, where, and how they are. A program
// registers its instance, others find it by name and metadata.
//
// An instance stands on two leases. When the first, its liveness, ends because it was not heard for
// a time, it is unhealthy, and still listed with the reason; when the second, its registration,
// ends, it is gone. Both begin anew when the store restarts, so nothing goes because the store was
// away.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "skald/clock.h"
#include "skald/coord.h"
#include "skald/result.h"

namespace skald::coord {

using Metadata = std::map<std::string, std::string>;

// A look at the instance itself, taken by the program that registered it. Of a registry up to four
// are taken at one time: those that wait for long delay the others. A host that is no address is
// looked up by the system, which may take longer than the timeout.
struct Probe {
    enum class Kind : std::uint8_t {
        tcp,      // host:port takes a connection
        http,     // http://host[:port]/path answers 200-299 to a GET
        request,  // a service of a node replies (services.h)
    };
    Kind kind = Kind::tcp;
    std::string target;  // host:port, URL or name of the service; 1-512 bytes
    std::chrono::milliseconds interval{10000};  // 100 ms to 1 h
    std::chrono::milliseconds timeout{2000};    // 10 ms to the interval
    bool operator==(const Probe&) const = default;
};

struct InstanceSettings {
    std::string service;   // 1-120 bytes without `/` and control characters
    std::string id;        // likewise; empty: a random one
    std::string endpoint;  // where it is to be found; 1-512 bytes
    // Up to 64 entries, keys of 1-128 bytes, values of up to 1,024: UTF-8, and with the endpoint
    // 64 KiB as JSON.
    Metadata metadata;
    // Both leases are kept alive so often: 100 ms to 8 h.
    std::chrono::milliseconds heartbeat{10000};
    std::chrono::milliseconds liveness{30000};      // at least three heartbeats and 1 s
    std::chrono::milliseconds registration{60000};  // at least the liveness, up to 24 h
    std::optional<Probe> probe;
};

enum class Health : std::uint8_t {
    healthy,
    unhealthy,
    unknown,  // its probe has not looked yet, or the registry is out of reach
};

std::string_view name_of(Health health);

struct Instance {
    std::string service;
    std::string id;
    std::string endpoint;
    Metadata metadata;
    Health health = Health::unknown;
    std::string reason;  // of one that is not healthy
    Time registered;     // by its own clock, like the rest
    std::optional<Time> last_check;
    std::optional<std::chrono::microseconds> response_time;  // of the last check, if it succeeded
    bool operator==(const Instance&) const = default;
};

// Deregisters when destroyed. Registers the instance anew, within a heartbeat, when its
// registration ended while the store was out of reach. Thread safe.
class Registration {
  public:
    virtual ~Registration() = default;
    virtual const std::string& id() const = 0;
    // False once it was deregistered, here or by others, or its id is another's; of others it is
    // known within a heartbeat. May wait for the store.
    virtual bool registered() const = 0;
    // Others see it so from now on. not_found: it was deregistered, or its id is another
    // Registration's. Safe to repeat after any error.
    virtual Result<void> update(std::string endpoint, Metadata metadata) = 0;
    // not_found: it was before, or its id is another's. After any other error it goes with its
    // leases.
    virtual Result<void> deregister() = 0;
};

struct DiscoverOptions {
    Metadata where;    // all of these entries
    bool all = false;  // those that are not healthy, too; out of reach: that were not when known
};

// What there was at some time.
struct Discovered {
    std::vector<Instance> instances;  // by id
    // Since the store was asked: 0, unless it is out of reach, and this is the last that was known.
    std::chrono::milliseconds age{0};
};

struct RegistryOptions {
    // How a `request` probe asks; none: such a probe is refused as invalid_argument. Takes the name
    // of the service and how long it may take, for which the end of the registry may wait; called
    // from threads of the registry's.
    std::function<Result<void>(const std::string& service, std::chrono::milliseconds time)> request;
};

struct RegistryHandler {
    // All instances of the service, be they healthy or not: at first, and with each change, of
    // which several may be told as one.
    std::function<void(const std::vector<Instance>& instances)> on_change;
    // The store cannot be reached since: what was told last is as old as that. False: it can again.
    std::function<void(bool away)> on_away;
};

// Ends when destroyed, which waits for a call that runs; not from within one.
class RegistryWatch {
  public:
    virtual ~RegistryWatch() = default;
};

// Thread safe. Outlives what it returns; the store outlives it. Errors of all: those of Coord;
// invalid_argument.
class Registry {
  public:
    virtual ~Registry() = default;

    // Again with an id that is registered: it is updated, and belongs to the latest Registration;
    // the others' then do nothing more.
    virtual Result<std::unique_ptr<Registration>> enroll(const InstanceSettings& settings) = 0;
    // Another's. not_found.
    virtual Result<void> deregister(const std::string& service, const std::string& id) = 0;
    // Of services that have instances, in order.
    virtual Result<std::vector<std::string>> services() = 0;
    // While the store is out of reach (errors of the classes network, unavailable and timeout):
    // what a discover() or a watch of this Registry knew last of the service, all unknown and with
    // its age; without any, the error. Known are the 256 services that were heard of last.
    virtual Result<Discovered> discover(const std::string& service,
                                        const DiscoverOptions& options = {}) = 0;
    // Calls come on one thread of the watch's own. Goes on by itself when the store could not be
    // reached for a time.
    virtual Result<std::unique_ptr<RegistryWatch>> watch(const std::string& service,
                                                         RegistryHandler handler) = 0;
};

std::unique_ptr<Registry> open_registry(Coord& coord, RegistryOptions options = {},
                                        const Clock& clock = SystemClock::instance());

}  // namespace skald::coord
