// skald bench rebuild: aggregates folded from their streams, as these were written and kept.
#include <fmt/format.h>

#include "cli/append_pipeline.h"
#include "cli/commands/bench.h"
#include "cli/terminal_progress.h"
#include "skald/cqrs/repository.h"

namespace skald::cli {
namespace {

struct Happened {
    std::uint64_t n = 0;
    std::string data;
    static auto describe() {
        return cqrs::event<Happened>("Happened", 1)
            .required("n", &Happened::n)
            .field("data", &Happened::data);
    }
};

// What the events say: how many there are, and what stands in them.
struct Tally {
    std::uint64_t events = 0;
    std::uint64_t sum = 0;
    std::uint64_t bytes = 0;
    using Events = cqrs::EventList<Happened>;
    Tally evolve(const Happened& happened) const {
        return {events + 1, sum + happened.n, bytes + happened.data.size()};
    }
};

// How the events of the aggregates stand in the log.
struct Layout {
    const char* name;
    bool scattered;  // one event of each stream after the other, else each stream's together
    std::string stream(std::uint64_t i) const { return fmt::format("rebuild{}-{}", name, i); }
};
constexpr Layout kScattered{"scattered", true};
constexpr Layout kRuns{"runs", false};

class Rebuild {
  public:
    Rebuild(const BenchOptions& options, const Invocation& invocation, EventStore& store)
        : options_(options), invocation_(invocation), store_(store), output_(invocation) {}

    Result<void> run() {
        for (const Layout& layout : {kScattered, kRuns}) {
            if (auto ok = fill(layout); !ok) {
                return ok;
            }
        }
        for (const Layout& layout : {kScattered, kRuns}) {
            if (auto ok = measure(layout, fmt::format("rebuild_{}", layout.name), 0); !ok) {
                return ok;
            }
        }
        auto ok = measure(kRuns, "rebuild_cached", options_.streams);
        return ok ? output_.flush() : std::move(ok);
    }

  private:
    std::uint64_t total() const { return options_.streams * options_.per_stream; }

    Append part(const Layout& layout, std::uint64_t stream, std::uint64_t first,
                std::uint64_t count) const {
        std::vector<NewEvent> events;
        for (std::uint64_t n = first; n < first + count; ++n) {
            NewEvent event;
            event.type = "Happened";
            event.schema_version = 1;
            event.data = fmt::format("{{\"n\":{},\"data\":{}}}", n, text_);
            events.push_back(std::move(event));
        }
        return Append::many(layout.stream(stream), std::move(events));
    }

    // Unless they are there since another run.
    Result<void> fill(const Layout& layout) {
        auto last = store_.stream_info(layout.stream(options_.streams - 1));
        if (last && last->last && last->last->value + 1 >= options_.per_stream) {
            return {};
        }
        TerminalProgress progress(invocation_, "fill", "events");
        std::optional<Error> failed;
        AppendPipeline pipeline(store_, 1024, [&](const std::vector<Outcome>& outcomes) {
            for (const Outcome& outcome : outcomes) {
                if (!outcome.result && !failed) {
                    failed = outcome.result.error();
                }
            }
        });
        const std::uint64_t each = layout.scattered ? 1 : options_.per_stream;
        for (std::uint64_t n = 0; n < total() / each; ++n) {
            const std::uint64_t stream = n % options_.streams;
            Append append = part(layout, stream, n / options_.streams * each, each);
            while (!pipeline.submit(n, append)) {
            }
            progress.update(n * each, total(), n * each);
            if (invocation_.console.stop.requested()) {
                return Error(Errc::shutting_down, "interrupted");
            }
        }
        pipeline.finish();
        return failed ? Result<void>(*failed) : Result<void>();
    }

    Result<void> measure(const Layout& layout, const std::string& metric, std::uint64_t cached) {
        cqrs::RepositoryOptions options;
        options.commands_remembered = 0;
        options.cached_aggregates = cached;
        cqrs::Repository<Tally> tallies(store_, options);
        for (std::uint64_t i = 0; i < cached; ++i) {
            if (auto loaded = load(tallies, layout, i); !loaded) {
                return loaded.error();
            }
        }
        const Clock& clock = invocation_.console.clock;
        Latencies latencies;
        std::uint64_t loads = 0;
        std::uint64_t x = 88'172'645'463'325'252ULL;
        const Monotonic begun = clock.monotonic();
        const Monotonic end = begun + std::chrono::seconds(options_.seconds);
        Monotonic now = begun;
        // To ask for the signal takes as long as a load from the cache.
        const auto stopped = [&] {
            return loads % 64 == 0 && invocation_.console.stop.requested();
        };
        for (; now < end && !stopped(); ++loads) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            if (auto loaded = load(tallies, layout, x % options_.streams); !loaded) {
                return loaded.error();
            }
            const Monotonic after = clock.monotonic();
            latencies.add(after - now);
            now = after;
        }
        BenchReport report(output_);
        const double seconds = static_cast<double>((now - begun).count()) / 1e9;
        report.figure(metric, options_.payload,
                      static_cast<double>(loads * options_.per_stream) / seconds, "events/s");
        report.latencies(metric, options_.payload, latencies);
        return {};
    }

    // A fold that misses an event measures nothing.
    Result<void> load(cqrs::Repository<Tally>& tallies, const Layout& layout, std::uint64_t i) {
        auto tally = tallies.load(layout.stream(i));
        if (!tally) {
            return tally.error();
        }
        const std::uint64_t n = options_.per_stream;
        if (tally->state.events != n || tally->state.sum != n * (n - 1) / 2) {
            return Error(Errc::corrupt,
                         fmt::format("{} has {} events, not {}: other options filled it",
                                     layout.stream(i), tally->state.events, n));
        }
        return {};
    }

    const BenchOptions& options_;
    const Invocation& invocation_;
    EventStore& store_;
    const std::string text_ = bench_payload(options_.payload);
    Output output_;
};

}  // namespace

Result<void> bench_rebuild(const BenchOptions& options, const Invocation& invocation) {
    auto stores = BenchStores::open(invocation, options, Create::yes);
    return stores ? Rebuild(options, invocation, stores->of(0)).run() : stores.error();
}

}  // namespace skald::cli
