#include "coord/instance.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "coord/limits.h"

namespace skald::coord {
namespace {

constexpr std::string_view kServices = "/service/";
constexpr std::string_view kAlive = "/alive";
constexpr std::string_view kCheck = "/check";

std::string below(const std::string& service) {
    return fmt::format("{}{}/", kServices, service);
}

std::string_view name_of(Probe::Kind kind) {
    switch (kind) {
        case Probe::Kind::tcp:
            return "tcp";
        case Probe::Kind::http:
            return "http";
        case Probe::Kind::request:
            return "request";
    }
    return "";
}

std::string in_words(std::int64_t ms) {
    return ms % 1000 == 0 ? fmt::format("{}s", ms / 1000) : fmt::format("{}ms", ms);
}

Result<void> check_metadata(const Metadata& metadata) {
    if (metadata.size() > kMetadataMax) {
        return refused(fmt::format("metadata has up to {} entries", kMetadataMax));
    }
    for (const auto& [key, value] : metadata) {
        if (auto ok = check_text("a key of metadata", key, kMetadataKeyBytesMax); !ok) {
            return ok;
        }
        if (value.size() > kMetadataValueBytesMax) {
            return refused(
                fmt::format("a value of metadata has up to {} bytes: that of {:?} has "
                            "{}",
                            kMetadataValueBytesMax, key, value.size()));
        }
    }
    return {};
}

Result<void> check_times(const InstanceSettings& settings) {
    if (settings.heartbeat < kHeartbeatMin || settings.heartbeat > kTtlMax / 3) {
        return refused(fmt::format("a heartbeat is {} ms to 8 h", kHeartbeatMin.count()));
    }
    if (settings.liveness < std::max(3 * settings.heartbeat, kTtlMin) ||
        settings.liveness > settings.registration) {
        return refused("a liveness is three heartbeats and 1 s or more, up to the registration");
    }
    if (settings.registration > kTtlMax) {
        return refused("a registration is up to 24 h");
    }
    return {};
}

Result<void> check_probe(const Probe& probe) {
    if (probe.interval < kProbeIntervalMin || probe.interval > kProbeIntervalMax) {
        return refused("the interval of a probe is 100 ms to 1 h");
    }
    if (probe.timeout < kProbeTimeoutMin || probe.timeout > probe.interval) {
        return refused("the timeout of a probe is 10 ms to its interval");
    }
    return check_text("the target of a probe", probe.target, kInstanceTextBytesMax);
}

// The entries of one instance.
struct Parts {
    const Entry* instance = nullptr;
    const Entry* alive = nullptr;
    const Entry* check = nullptr;
};

Metadata metadata_in(const Record& record) {
    Metadata metadata;
    const auto it = record.find("metadata");
    if (it != record.end() && it->is_object()) {
        for (const auto& [key, value] : it->items()) {
            if (value.is_string()) {
                metadata[key] = value.get<std::string>();
            }
        }
    }
    return metadata;
}

void judge(Instance& instance, const Record& record, const Parts& parts) {
    const Record check = parts.check == nullptr ? Record::object() : record_of(parts.check->value);
    const std::string failure = text_in(check, "failure");
    if (parts.check != nullptr) {
        instance.last_check = time_in(check, "at_us");
        if (failure.empty()) {
            instance.response_time = std::chrono::microseconds(number_in(check, "took_us"));
        }
    }
    if (parts.alive == nullptr) {
        instance.health = Health::unhealthy;
        instance.reason = "not heard for " + in_words(number_in(record, "liveness_ms"));
    } else if (text_in(record, "probe").empty() || (parts.check != nullptr && failure.empty())) {
        instance.health = Health::healthy;
    } else if (parts.check == nullptr) {
        instance.reason = "its probe has not looked yet";
    } else {
        instance.health = Health::unhealthy;
        instance.reason = "its check failed: " + failure;
    }
}

}  // namespace

std::string_view name_of(Health health) {
    switch (health) {
        case Health::healthy:
            return "healthy";
        case Health::unhealthy:
            return "unhealthy";
        case Health::unknown:
            break;
    }
    return "unknown";
}

InstanceKeys::InstanceKeys(const std::string& service, const std::string& id)
    : instance(below(service) + id),
      alive(instance + std::string(kAlive)),
      check(instance + std::string(kCheck)) {}

std::vector<Operation> erase(const InstanceKeys& keys) {
    return {Erase{KeyRange::one(keys.instance)}, Erase{KeyRange::one(keys.alive)},
            Erase{KeyRange::one(keys.check)}};
}

KeyRange instances_of_all() {
    return KeyRange::prefix(std::string(kServices));
}

KeyRange instances_of(const std::string& service) {
    return KeyRange::prefix(below(service));
}

Result<void> check_service(const std::string& service) {
    return check_name("a service's name", service, kInstanceNameBytesMax);
}

Result<void> check_id(const std::string& id) {
    return check_name("an instance's id", id, kInstanceNameBytesMax);
}

Result<void> check_instance(const InstanceSettings& settings) {
    auto ok = check_service(settings.service);
    ok = ok && !settings.id.empty() ? check_id(settings.id) : ok;
    ok = ok ? check_text("an endpoint", settings.endpoint, kInstanceTextBytesMax) : ok;
    ok = ok ? check_metadata(settings.metadata) : ok;
    ok = ok ? check_times(settings) : ok;
    return ok && settings.probe ? check_probe(*settings.probe) : ok;
}

Result<std::string> text_of(const InstanceSettings& settings, Time registered) {
    Record record{{"endpoint", settings.endpoint},
                  {"metadata", settings.metadata},
                  {"registered_us", registered.us},
                  {"liveness_ms", settings.liveness.count()}};
    if (settings.probe) {
        record["probe"] = name_of(settings.probe->kind);
    }
    std::string text = text_of(record);
    if (text.size() > kValueBytesMax) {
        return refused("an endpoint and metadata have up to 64 KiB together, as JSON");
    }
    // Bytes that are no UTF-8 would come back as others.
    return record_of(text) == record ? Result<std::string>(std::move(text))
                                     : refused("an endpoint and metadata are UTF-8");
}

std::string text_of(const Check& check) {
    Record record{{"at_us", check.at.us}, {"took_us", check.took.count()}};
    if (!check.failure.empty()) {
        record["failure"] = check.failure;
    }
    return text_of(record);
}

std::vector<Instance> instances_in(const std::string& service, const std::vector<Entry>& entries) {
    const std::size_t before = below(service).size();
    std::map<std::string_view, Parts> by_id;
    for (const Entry& entry : entries) {
        const std::string_view rest = std::string_view(entry.key).substr(before);
        const std::size_t slash = std::min(rest.find('/'), rest.size());
        Parts& parts = by_id[rest.substr(0, slash)];
        const std::string_view part = rest.substr(slash);
        if (part.empty()) {
            parts.instance = &entry;
        } else if (part == kAlive) {
            parts.alive = &entry;
        } else if (part == kCheck) {
            parts.check = &entry;
        }
    }
    std::vector<Instance> instances;
    for (const auto& [id, parts] : by_id) {
        if (parts.instance == nullptr) {
            continue;
        }
        const Record record = record_of(parts.instance->value);
        Instance& instance = instances.emplace_back();
        instance.service = service;
        instance.id = id;
        instance.endpoint = text_in(record, "endpoint");
        instance.metadata = metadata_in(record);
        instance.registered = time_in(record, "registered_us");
        judge(instance, record, parts);
    }
    return instances;
}

std::vector<std::string> services_in(const std::vector<Entry>& entries) {
    std::vector<std::string> services;
    for (const Entry& entry : entries) {
        const std::string_view rest = std::string_view(entry.key).substr(kServices.size());
        const std::size_t slash = rest.find('/');
        const bool an_instance =
            slash != std::string_view::npos && rest.find('/', slash + 1) == std::string_view::npos;
        if (an_instance) {
            services.emplace_back(rest.substr(0, slash));
        }
    }
    // By their keys `a!` comes before `a`.
    std::sort(services.begin(), services.end());
    services.erase(std::unique(services.begin(), services.end()), services.end());
    return services;
}

bool wanted(const Instance& instance, const DiscoverOptions& options) {
    const bool matches =
        std::all_of(options.where.begin(), options.where.end(), [&](const auto& wanted) {
            const auto it = instance.metadata.find(wanted.first);
            return it != instance.metadata.end() && it->second == wanted.second;
        });
    return matches && (options.all || instance.health == Health::healthy);
}

Standing standing_of(const std::optional<Entry>& instance, const std::optional<Entry>& alive,
                     const InstanceLeases& mine) {
    if (!instance) {
        return Standing::absent;
    }
    if (instance->lease != mine.registration) {
        return Standing::anothers;
    }
    return alive && alive->lease == mine.liveness ? Standing::sound : Standing::unheard;
}

bool CheckNews::worth_telling(const Check& check, Monotonic now) const {
    return !last_ || last_->failure != check.failure || now - last_->at >= every_;
}

void CheckNews::told(const Check& check, Monotonic now) {
    last_ = Told{check.failure, now};
}

}  // namespace skald::coord
