// skald service: instances of services, registered and found.
#include <fmt/format.h>

#include <array>
#include <mutex>

#include "cli/commands/commands.h"
#include "cli/coord_words.h"
#include "cli/json_writer.h"
#include "cli/key_values.h"
#include "cli/work.h"
#include "skald/registry.h"

namespace skald::cli {
namespace {

using coord::DiscoverOptions;
using coord::Health;
using coord::Instance;
using coord::InstanceSettings;
using coord::Probe;
using coord::Registry;
using std::chrono::milliseconds;
using Duration = std::optional<std::chrono::microseconds>;

constexpr milliseconds kLook{1000};  // between two looks at whether it is registered

struct Options {
    StoreChoice store;
    std::string service;
    std::string id;
    std::string endpoint;
    std::vector<std::string> pairs;  // "key=value": metadata, or what it must have
    bool all = false;
    std::string probe;
    Duration interval;
    Duration probe_timeout;
    Duration heartbeat;
    Duration liveness;
    Duration registration;
};

using ServiceWork = Work<Options, Registry>;

// ---- in words

std::string line_of(const Instance& instance) {
    std::string line = fmt::format("{}/{} {} {}", instance.service, instance.id, instance.endpoint,
                                   name_of(instance.health));
    if (!instance.reason.empty()) {
        line += fmt::format(" ({})", instance.reason);
    }
    for (const auto& [key, value] : instance.metadata) {
        line += fmt::format(" {}={}", key, value);
    }
    if (instance.response_time) {
        line += fmt::format(", answers in {} us", instance.response_time->count());
    }
    return line;
}

void append_instance(JsonWriter& json, const Instance& instance) {
    json.begin_object().field("service", instance.service).field("id", instance.id);
    json.field("endpoint", instance.endpoint).field("health", name_of(instance.health));
    json.field("reason", instance.reason).field("registered", to_string(instance.registered));
    json.key("last_check");
    instance.last_check ? json.string(to_string(*instance.last_check)) : json.null();
    json.key("response_us");
    instance.response_time ? json.number(std::int64_t{instance.response_time->count()})
                           : json.null();
    json.key("metadata").begin_object();
    for (const auto& [key, value] : instance.metadata) {
        json.escaped_key(key).string(value);
    }
    json.end_object().end_object();
}

void print(Output& output, const Instance& instance) {
    if (!output.json()) {
        output.line(line_of(instance));
        return;
    }
    std::string text;
    JsonWriter json(text);
    append_instance(json, instance);
    output.line(text);
}

// ---- the children

// tcp:HOST:PORT, http://..., or request:SERVICE.
Result<Probe> parse_probe(const std::string& text) {
    Probe probe;
    const auto behind = [&](std::string_view prefix) {
        const bool so = text.starts_with(prefix);
        probe.target = so ? text.substr(prefix.size()) : std::string();
        return so;
    };
    if (behind("tcp:")) {
        probe.kind = Probe::Kind::tcp;
    } else if (behind("request:")) {
        probe.kind = Probe::Kind::request;
    } else if (text.starts_with("http://")) {
        probe.kind = Probe::Kind::http;
        probe.target = text;
    } else {
        return Error(Errc::invalid_argument,
                     fmt::format("--probe {}: not tcp:HOST:PORT, http://HOST[:PORT]/PATH or "
                                 "request:SERVICE",
                                 text));
    }
    return probe;
}

Result<InstanceSettings> settings_of(const Options& options) {
    InstanceSettings settings;
    settings.service = options.service;
    settings.id = options.id;
    settings.endpoint = options.endpoint;
    auto metadata = parse_key_values("--meta", options.pairs);
    if (!metadata) {
        return metadata.error();
    }
    settings.metadata = {metadata->begin(), metadata->end()};
    settings.heartbeat = in_milliseconds(options.heartbeat).value_or(settings.heartbeat);
    settings.liveness = in_milliseconds(options.liveness).value_or(settings.liveness);
    settings.registration = in_milliseconds(options.registration).value_or(settings.registration);
    if (!options.probe.empty()) {
        auto probe = parse_probe(options.probe);
        if (!probe) {
            return probe.error();
        }
        probe->interval = in_milliseconds(options.interval).value_or(probe->interval);
        probe->timeout = in_milliseconds(options.probe_timeout).value_or(probe->timeout);
        settings.probe = std::move(*probe);
    }
    return settings;
}

Result<void> enroll(ServiceWork& work) {
    const auto settings = settings_of(work.options);
    if (!settings) {
        return settings.error();
    }
    const auto registration = work.target.enroll(*settings);
    if (!registration) {
        return registration.error();
    }
    if (work.output.json()) {
        std::string text;
        JsonWriter json(text);
        json.begin_object().field("service", settings->service);
        json.field("id", (*registration)->id()).end_object();
        work.output.line(text);
    }
    (void)work.said(fmt::format("{}/{}: registered, until this program ends", settings->service,
                                (*registration)->id()));
    if (auto ok = work.output.flush(); !ok) {
        return ok;
    }
    while (!work.invocation.console.stop.wait(kLook)) {
        if (!(*registration)->registered()) {
            return Error(Errc::not_found, fmt::format("{}/{} was deregistered, or is another's now",
                                                      settings->service, (*registration)->id()));
        }
    }
    return (*registration)->deregister();
}

Result<void> deregister(ServiceWork& work) {
    const Options& options = work.options;
    return work.said(work.target.deregister(options.service, options.id),
                     fmt::format("{}/{}: deregistered", options.service, options.id));
}

Result<void> discover(ServiceWork& work) {
    DiscoverOptions wanted;
    auto where = parse_key_values("--where", work.options.pairs);
    if (!where) {
        return where.error();
    }
    wanted.where = {where->begin(), where->end()};
    wanted.all = work.options.all;
    const auto found = work.target.discover(work.options.service, wanted);
    if (!found) {
        return found.error();
    }
    for (const Instance& instance : found->instances) {
        print(work.output, instance);
    }
    return found->instances.empty()
               ? Error(Errc::not_found,
                       fmt::format("{}: no such instance is {}", work.options.service,
                                   wanted.all ? "registered" : "healthy; --all lists the others"))
               : Result<void>();
}

// How many there are of each service.
Result<void> list(ServiceWork& work) {
    const auto services = work.target.services();
    if (!services) {
        return services.error();
    }
    for (const std::string& service : *services) {
        const auto found = work.target.discover(service, {{}, true});
        if (!found) {
            return found.error();
        }
        std::array<std::uint64_t, 3> counts{};
        for (const Instance& instance : found->instances) {
            ++counts.at(static_cast<std::size_t>(instance.health));
        }
        if (work.output.json()) {
            std::string text;
            JsonWriter json(text);
            json.begin_object().field("service", service).field("healthy", counts[0]);
            json.field("unhealthy", counts[1]).field("unknown", counts[2]).end_object();
            work.output.line(text);
        } else {
            work.output.line(fmt::format("{}: {} healthy, {} unhealthy, {} unknown", service,
                                         counts[0], counts[1], counts[2]));
        }
    }
    return {};
}

void print_all(Output& output, const std::string& service, Time now,
               const std::vector<Instance>& instances) {
    if (output.json()) {
        std::string text;
        JsonWriter json(text);
        json.begin_object().field("service", service).field("time", to_string(now));
        json.key("instances").begin_array();
        for (const Instance& instance : instances) {
            append_instance(json, instance);
        }
        json.end_array().end_object();
        output.line(text);
        return;
    }
    output.line(fmt::format("{} {}: {}", to_string(now), service,
                            counted(instances.size(), "instance", "instances")));
    for (const Instance& instance : instances) {
        output.line("  " + line_of(instance));
    }
}

Result<void> watch(ServiceWork& work) {
    std::mutex mutex;
    const StopSignal& stop = work.invocation.console.stop;
    coord::RegistryHandler handler;
    handler.on_change = [&](const std::vector<Instance>& instances) {
        const std::lock_guard lock(mutex);
        print_all(work.output, work.options.service, work.now(), instances);
        if (!work.output.flush()) {
            stop.request();
        }
    };
    handler.on_away = [&](bool away) {
        const std::lock_guard lock(mutex);
        work.invocation.console.err << "skald: the registry "
                                    << (away ? "cannot be reached" : "is there again") << std::endl;
    };
    const auto watching = work.target.watch(work.options.service, std::move(handler));
    if (!watching) {
        return watching.error();
    }
    stop.wait();
    return {};
}

// ---- what they take

void declare_nothing(Arguments&, Options&) {}

void declare_name(Arguments& arguments, Options& options) {
    arguments.text("NAME", "", options.service, "the service's name").required();
}

void declare_register(Arguments& arguments, Options& options) {
    declare_name(arguments, options);
    arguments.text("--endpoint", "TEXT", options.endpoint, "where it is to be found").required();
    arguments.text("--id", "TEXT", options.id, "of the instance; default a random one");
    arguments.list("--meta", "KEY=VALUE", options.pairs, "metadata; again for more");
    arguments.text("--probe", "WHAT", options.probe,
                   "look at it: tcp:HOST:PORT, http://HOST[:PORT]/PATH or request:SERVICE");
    arguments.duration("--interval", "TIME", options.interval, "between probes; default 10s");
    arguments.duration("--probe-timeout", "TIME", options.probe_timeout, "of a probe; default 2s");
    arguments.duration("--heartbeat", "TIME", options.heartbeat, "default 10s");
    arguments.duration("--liveness", "TIME", options.liveness,
                       "not heard for so long it is unhealthy; default 30s");
    arguments.duration("--registration", "TIME", options.registration,
                       "not heard for so long it is gone; default 60s");
}

void declare_deregister(Arguments& arguments, Options& options) {
    declare_name(arguments, options);
    arguments.text("ID", "", options.id, "the instance's").required();
}

void declare_discover(Arguments& arguments, Options& options) {
    declare_name(arguments, options);
    arguments.list("--where", "KEY=VALUE", options.pairs, "has this metadata; again for more");
    arguments.flag("--all", options.all, "those that are not healthy, too");
}

// Asks services at the servers that are meant, over one connection.
class Asker {
  public:
    explicit Asker(const Invocation& invocation) : invocation_(invocation) {}

    Result<void> ask(const std::string& service, milliseconds time) {
        const auto services = connected(time);
        if (!services) {
            return services.error();
        }
        const auto reply = (*services)->request(service, {}, time);
        return reply ? Result<void>() : reply.error();
    }

  private:
    Result<std::shared_ptr<Services>> connected(milliseconds time) {
        const std::lock_guard lock(mutex_);
        if (services_ == nullptr) {
            auto opened = open_services(invocation_, time);
            if (!opened) {
                return opened.error();
            }
            services_ = std::move(*opened);
        }
        return services_;
    }

    const Invocation& invocation_;
    std::mutex mutex_;
    std::shared_ptr<Services> services_;  // guarded by mutex_
};

std::unique_ptr<Registry> open(coord::Coord& coord, const Invocation& invocation) {
    coord::RegistryOptions options;
    options.request = [asker = std::make_shared<Asker>(invocation)](const std::string& service,
                                                                    milliseconds time) {
        return asker->ask(service, time);
    };
    return coord::open_registry(coord, std::move(options));
}

}  // namespace

Command service_command() {
    const CoordChildren<Options, Registry> child(open);
    return {
        .name = "service",
        .summary = "Instances of services: registered, found, and how they are",
        .example = "skald service discover billing --where zone=a",
        .declare = {},
        .run = {},
        .children = {
            child.make("ls", "Services, and how many instances there are", "skald service ls",
                       declare_nothing, list),
            child.make("register", "Register an instance while this program runs",
                       "skald service register billing --endpoint tcp://10.0.0.5:9000 --meta "
                       "zone=a --probe tcp:10.0.0.5:9000",
                       declare_register, enroll),
            child.make("deregister", "Remove an instance", "skald service deregister billing b-1",
                       declare_deregister, deregister),
            child.make("discover", "The healthy instances of a service",
                       "skald service discover billing --where zone=a", declare_discover, discover),
            child.make("watch", "All instances, and again with each change",
                       "skald service watch billing", declare_name, watch)}};
}

}  // namespace skald::cli
