#include "cqrs/aggregate_loader.h"

#include <fmt/format.h>

#include "base/check.h"
#include "cqrs/derived_id.h"
#include "cqrs/limits.h"
#include "cqrs/snapshot_bytes.h"

namespace skald::cqrs {
namespace {

bool wants_snapshots(const RepositoryOptions& options, const StateKind& kind) {
    return options.snapshot.events > 0 || options.snapshot.load_time.count() > 0 ||
           kind.snapshot_if != nullptr;
}

// Of all that decides which state the events add up to.
std::uint64_t fingerprint_of(const RepositoryOptions& options, const StateKind& kind) {
    const bool skips = options.unknown_events == UnknownEvents::skip;
    return text_hash(fmt::format("{}#{}#{}#{}#{}", kind.shape, kind.events, skips,
                                 options.state_version, kSnapshotLayout));
}

bool is_no_stream(const Error& error) {
    return error.code == Errc::stream_not_found || error.code == Errc::stream_deleted;
}

}  // namespace

// One reading of a stream's tail into an aggregate.
class AggregateLoader::Walk {
  public:
    enum class Step { go_on, done, misfit };

    Walk(Aggregate& aggregate, const Until& until, UnknownEvents unknown)
        : aggregate_(aggregate),
          until_(until),
          unknown_(unknown),
          anchor_(aggregate.version),
          anchored_(!aggregate.version) {}

    Start start() const { return anchor_ ? Start(*anchor_) : Start(Beginning{}); }
    std::uint64_t folded() const { return folded_; }
    // Whether the event that the aggregate knew as its last was met.
    bool anchored() const { return anchored_; }

    Result<Step> take(const Page& page) {
        for (const EventView& event : page.events) {
            if (!fits(event)) {
                return Step::misfit;
            }
            if (is_beyond(event)) {
                return Step::done;
            }
            if (anchor_ && event.version == *anchor_) {
                continue;
            }
            if (auto ok = fold(event); !ok) {
                return ok.error();
            }
        }
        return page.end ? Step::done : Step::go_on;
    }

  private:
    // The first event of the walk is the anchor, and recorded early enough.
    bool fits(const EventView& event) {
        if (anchored_) {
            return true;
        }
        anchored_ = event.version == *anchor_ && event.id == aggregate_.last_id;
        return anchored_ && !is_beyond(event);
    }
    bool is_beyond(const EventView& event) const {
        return (until_.version && event.version > *until_.version) ||
               (until_.time && event.recorded_at > *until_.time);
    }
    Result<void> fold(const EventView& event) {
        if (auto ok = aggregate_.state->apply(event, unknown_); !ok) {
            return ok;
        }
        if (const std::string_view command = event.command_id(); !command.empty()) {
            aggregate_.commands.note(command_key(event.stream, command), event.version);
        }
        aggregate_.version = event.version;
        aggregate_.last_id = event.id;
        ++aggregate_.since_snapshot;
        ++folded_;
        return {};
    }

    Aggregate& aggregate_;
    const Until& until_;
    const UnknownEvents unknown_;
    const std::optional<Version> anchor_;
    bool anchored_;
    std::uint64_t folded_ = 0;
};

AggregateLoader::AggregateLoader(EventStore& store, const RepositoryOptions& options,
                                 const StateKind& kind, AggregateCache& cache, Counters& counters)
    : store_(store),
      options_(options),
      kind_(kind),
      cache_(cache),
      counters_(counters),
      fingerprint_(fingerprint_of(options, kind)),
      snapshots_(wants_snapshots(options, kind)) {
    SKALD_CHECK(!snapshots_ || !kind.shape.empty(), "snapshots need a described state");
}

Result<Aggregate> AggregateLoader::load(const std::string& stream, const Until& until) {
    ++counters_.loads;
    if (until.now()) {
        auto cached = from_cache(stream);
        if (!cached || *cached) {
            return cached ? Result<Aggregate>(std::move(**cached)) : cached.error();
        }
    }
    if (snapshots_) {
        auto opened = from_snapshot(stream, until);
        if (!opened || *opened) {
            return opened ? Result<Aggregate>(std::move(**opened)) : opened.error();
        }
    }
    return from_events(stream, until);
}

Aggregate AggregateLoader::fresh() const {
    return {kind_.fresh(), std::nullopt, Uuid{}, CommandWindow(options_.commands_remembered), 0};
}

Result<std::optional<Aggregate>> AggregateLoader::from_cache(const std::string& stream) {
    auto known = cache_.get(stream);
    if (!known) {
        return std::optional<Aggregate>();
    }
    auto fits = fold_tail(stream, *known, {});
    if (!fits) {
        return fits.error();
    }
    if (!*fits) {
        cache_.drop(stream);
        return std::optional<Aggregate>();
    }
    ++counters_.cache_hits;
    cache_.put(stream, *known);
    return known;
}

Result<std::optional<Aggregate>> AggregateLoader::from_snapshot(const std::string& stream,
                                                                const Until& until) {
    auto snapshot = store_.get_snapshot(stream);
    if (!snapshot) {
        ++counters_.snapshots_failed;  // a cache that cannot be read is no reason to fail
        return std::optional<Aggregate>();
    }
    if (!*snapshot || (until.version && (*snapshot)->version > *until.version)) {
        return std::optional<Aggregate>();
    }
    auto known = open(**snapshot);
    if (known) {
        auto fits = fold_tail(stream, *known, until);
        if (!fits) {
            return fits.error();
        }
        if (*fits) {
            ++counters_.snapshots_used;
            if (until.now()) {
                cache_.put(stream, *known);
            }
            return known;
        }
    }
    ++counters_.snapshots_ignored;
    return std::optional<Aggregate>();
}

std::optional<Aggregate> AggregateLoader::open(const Snapshot& snapshot) const {
    if (snapshot.fingerprint != fingerprint_) {
        return std::nullopt;
    }
    const auto content = decode_snapshot(snapshot.bytes);
    Aggregate known = fresh();
    // What was forgotten there is still remembered here: it must not be carried out again.
    if (!content || content->commands_remembered < options_.commands_remembered ||
        !known.state->decode(content->state)) {
        return std::nullopt;
    }
    known.version = snapshot.version;
    known.last_id = content->last_id;
    for (const CommandWindow::Entry& entry : content->commands) {
        known.commands.note(entry.key, entry.first, entry.events);
    }
    return known;
}

Result<Aggregate> AggregateLoader::from_events(const std::string& stream, const Until& until) {
    Aggregate aggregate = fresh();
    auto fits = fold_tail(stream, aggregate, until);
    if (!fits) {
        return fits.error();
    }
    if (until.now()) {
        cache_.put(stream, aggregate);
    }
    return aggregate;
}

Result<void> AggregateLoader::catch_up(const std::string& stream, Aggregate& aggregate) {
    const auto before = aggregate.version;
    const bool known = !aggregate.version || !aggregate.last_id.is_nil();
    auto fits = known ? fold_tail(stream, aggregate, {}) : Result<bool>(false);
    if (!fits) {
        return fits.error();
    }
    if (!*fits) {
        auto anew = from_events(stream, {});
        if (!anew) {
            return anew.error();
        }
        aggregate = std::move(*anew);
    }
    return aggregate.version == before ? skip_hidden(stream, aggregate) : Result<void>();
}

Result<bool> AggregateLoader::fold_tail(const std::string& stream, Aggregate& aggregate,
                                        const Until& until) {
    Walk walk(aggregate, until, options_.unknown_events);
    Read read;
    read.selection = Selection::stream(stream);
    read.start = walk.start();
    read.limit = limits::kLoadPageEvents;
    for (auto step = Walk::Step::go_on; step == Walk::Step::go_on;) {
        auto page = store_.read(read);
        if (!page && is_no_stream(page.error())) {
            return !aggregate.version;
        }
        if (!page) {
            return page.error();
        }
        auto taken = walk.take(*page);
        if (!taken) {
            return taken.error();
        }
        step = *taken;
        read.start = page->resume;
        if (step == Walk::Step::misfit) {
            return false;
        }
    }
    counters_.events_folded += walk.folded();
    if (!walk.anchored()) {
        return false;
    }
    if (!aggregate.version && until.now()) {
        if (auto ok = skip_hidden(stream, aggregate); !ok) {
            return ok.error();
        }
    }
    return true;
}

// The version is asked for before the read, which so sees what comes meanwhile.
Result<std::optional<Version>> AggregateLoader::hidden_behind(const std::string& stream,
                                                              std::optional<Version> version) {
    auto info = store_.stream_info(stream);
    if (!info) {
        return info.error();
    }
    if (info->state != StreamState::active || info->last <= version) {
        return std::optional<Version>();
    }
    Read read;
    read.selection = Selection::stream(stream);
    read.start = version ? Start(*version + 1) : Start(Beginning{});
    read.limit = 1;
    for (bool end = false; !end;) {
        auto page = store_.read(read);
        if (!page) {
            return page.error();
        }
        if (!page->events.empty()) {
            return std::optional<Version>();
        }
        read.start = page->resume;
        end = page->end;
    }
    return info->last;
}

Result<void> AggregateLoader::skip_hidden(const std::string& stream, Aggregate& aggregate) {
    auto hidden = hidden_behind(stream, aggregate.version);
    if (!hidden) {
        return hidden.error();
    }
    if (*hidden) {
        aggregate.version = *hidden;
        aggregate.last_id = {};
    }
    return {};
}

bool AggregateLoader::snapshot_due(const Aggregate& aggregate, Monotonic load_time) const {
    if (!snapshots_ || aggregate.since_snapshot == 0 || aggregate.last_id.is_nil()) {
        return false;
    }
    const SnapshotWhen& when = options_.snapshot;
    return (when.events > 0 && aggregate.since_snapshot >= when.events) ||
           (when.load_time.count() > 0 && load_time >= when.load_time) ||
           (kind_.snapshot_if && kind_.snapshot_if(*aggregate.state, *aggregate.version));
}

void AggregateLoader::put_snapshot(const std::string& stream, Aggregate& aggregate) {
    auto state = aggregate.state->encode();
    const bool put =
        state && store_.put_snapshot(
                     stream, {*aggregate.version, fingerprint_,
                              encode_snapshot(aggregate.last_id, aggregate.commands, *state)});
    ++(put ? counters_.snapshots_written : counters_.snapshots_failed);
    aggregate.since_snapshot = 0;  // what failed is not tried again with every command
}

}  // namespace skald::cqrs
