// Consumers that come, change and go: each change is a catalogue in the log before it holds.
#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "broker/consumers/consumer_host.h"

namespace skald::broker {
namespace {

bool by_name(const wire::CatalogueEntry& entry, const std::string& name) {
    return entry.settings.name < name;
}

auto place_of(std::vector<wire::CatalogueEntry>& entries, const std::string& name) {
    return std::lower_bound(entries.begin(), entries.end(), name, by_name);
}

}  // namespace

Result<ConsumerHost::Hosted*> ConsumerHost::find(const std::string& name) {
    const auto it = place_of(catalogue_.consumers, name);
    if (it == catalogue_.consumers.end() || it->settings.name != name) {
        return Error(Errc::not_found, fmt::format("no consumer is called {:?}", name));
    }
    return &hosted_.at(it->born);
}

// It is declared while nothing else of the host runs: such changes are rare.
Result<void> ConsumerHost::write(wire::ConsumerCatalogue catalogue) {
    std::string data = wire::encode(catalogue);
    if (data.size() > limits::kControlDataBytesMax) {
        return Error(Errc::request_too_large,
                     fmt::format("the node's consumers would take {} bytes to declare; at most {}: "
                                 "give them shorter filters",
                                 data.size(), limits::kControlDataBytesMax));
    }
    const ControlWrite record(wire::kCatalogueStream, wire::kCatalogueType, std::move(data),
                              previous_, ids_);
    auto outcome = parts_.volume.append(record.submission(*this, 0));
    if (!outcome) {
        return outcome.error();
    }
    previous_ = outcome->offset.value + 1;
    catalogue_ = std::move(catalogue);
    return {};
}

Result<void> ConsumerHost::create(const ConsumerSettings& settings) {
    if (auto ok = wire::check_settings(settings); !ok) {
        return ok;
    }
    wire::ConsumerCatalogue catalogue = catalogue_;
    const auto it = place_of(catalogue.consumers, settings.name);
    if (it != catalogue.consumers.end() && it->settings.name == settings.name) {
        return it->settings == settings
                   ? Result<void>()
                   : Error(Errc::already_exists,
                           fmt::format("another consumer is called {:?}", settings.name));
    }
    if (catalogue.consumers.size() >= limits::kConsumersMax) {
        return Error(Errc::busy, "the node has all the consumers it can hold");
    }
    if (auto ok = check_queue(settings); !ok) {
        return ok;
    }
    auto cursor = parts_.volume.cursor({settings.selection, settings.start, false, false, {}});
    if (!cursor) {
        return cursor.error();
    }
    wire::CatalogueEntry entry;
    entry.settings = settings;
    entry.begins = (*cursor)->position();
    entry.born = ++catalogue.births;
    catalogue.consumers.insert(it, entry);
    auto consumer = HostedConsumer::open({parts_.volume, ids_, *this}, entry);
    if (!consumer) {
        return consumer.error();
    }
    if (auto ok = write(std::move(catalogue)); !ok) {
        return ok;
    }
    hosted_[entry.born].consumer = std::move(*consumer);
    return serve(entry.born);
}

Result<void> ConsumerHost::check_queue(const ConsumerSettings& settings) const {
    for (const wire::CatalogueEntry& entry : catalogue_.consumers) {
        if (settings.queue && entry.settings.queue &&
            entry.settings.selection.name == settings.selection.name) {
            return Error(Errc::already_exists,
                         fmt::format("the stream {} is the queue of the consumer {:?} already",
                                     settings.selection.name, entry.settings.name));
        }
    }
    return {};
}

Result<void> ConsumerHost::edit(const ConsumerSettings& settings) {
    if (auto ok = wire::check_settings(settings); !ok) {
        return ok;
    }
    return change(settings.name, [&](wire::CatalogueEntry& entry) -> Result<void> {
        const ConsumerSettings& now = entry.settings;
        if (settings.queue.has_value() != now.queue.has_value() ||
            (now.queue && settings.selection != now.selection)) {
            return Error(Errc::invalid_argument,
                         "what is a queue stays one, of its stream: delete it and create it anew");
        }
        if (settings.start != now.start || settings.mode != now.mode || settings.key != now.key) {
            return Error(Errc::invalid_argument,
                         "where a consumer starts, its mode and its key cannot be changed: delete "
                         "it and create it anew");
        }
        entry.settings = settings;
        return {};
    });
}

Result<void> ConsumerHost::pause(const std::string& name, bool paused) {
    return change(name, [paused](wire::CatalogueEntry& entry) -> Result<void> {
        entry.paused = paused;
        return {};
    });
}

Result<void> ConsumerHost::change(const std::string& name,
                                  const std::function<Result<void>(wire::CatalogueEntry&)>& apply) {
    auto hosted = find(name);
    if (!hosted) {
        return hosted.error();
    }
    wire::ConsumerCatalogue catalogue = catalogue_;
    wire::CatalogueEntry& entry = *place_of(catalogue.consumers, name);
    if (auto ok = apply(entry); !ok) {
        return ok;
    }
    const wire::CatalogueEntry changed = entry;
    if (auto ok = write(std::move(catalogue)); !ok) {
        return ok;
    }
    (*hosted)->consumer->set_entry(changed);
    touched_.insert(changed.born);
    return {};
}

Result<void> ConsumerHost::remove(const std::string& name) {
    auto hosted = find(name);
    if (!hosted) {
        return hosted.error();
    }
    wire::ConsumerCatalogue catalogue = catalogue_;
    const auto it = place_of(catalogue.consumers, name);
    const std::uint64_t born = it->born;
    catalogue.consumers.erase(it);
    if (auto ok = write(std::move(catalogue)); !ok) {
        return ok;
    }
    (*hosted)->serving.reset();
    (*hosted)->consumer->close_queue();
    leaving_.insert(hosted_.extract(born));
    return {};
}

}  // namespace skald::broker
