#include <atomic>

#include "base/random.h"
#include "cli/commands/bench.h"

namespace skald::cli {
namespace {

constexpr auto kLook = std::chrono::milliseconds(10);
constexpr std::uint32_t kInFlight = 16384;

// A consumer of its own from the log's beginning, which it deletes in the end.
class Run {
  public:
    Run(Consumers& consumers, const Clock& clock) : consumers_(consumers), clock_(clock) {}
    ~Run() {
        members_.clear();
        if (!settings_.name.empty()) {
            (void)consumers_.remove(settings_.name);
        }
    }

    Result<void> create(const BenchOptions& options) {
        ConsumerSettings settings;
        settings.name = "bench." + to_string(random_uuid());
        settings.in_flight = kInFlight;
        if (options.category) {
            settings.selection = Selection::category(*options.category);
        }
        settings.mode = options.per_key ? ConsumerMode::per_key : ConsumerMode::shared;
        auto ok = consumers_.create(settings);
        settings_ = ok ? settings : ConsumerSettings{};
        return ok;
    }

    // Until everything that was there is acknowledged; the time it took.
    Result<Monotonic> work(const BenchOptions& options, const StopSignal& stop) {
        const Monotonic begun = clock_.monotonic();
        for (std::uint64_t i = 0; i < options.connections; ++i) {
            MemberOptions member;
            member.name = "bench";
            member.in_flight = static_cast<std::uint32_t>(
                kInFlight / std::min<std::uint64_t>(options.connections, 16));
            auto joined = consumers_.join(
                settings_.name,
                [this](const Work& work) {
                    bytes_ += work.event.data.size();
                    ++events_;
                    return AckWork{};
                },
                member);
            if (!joined) {
                return joined.error();
            }
            members_.push_back(std::move(*joined));
        }
        Monotonic last = begun;
        std::uint64_t done = 0;
        do {
            auto status = consumers_.show(settings_.name);
            if (!status) {
                return status.error();
            }
            if (status->done != done) {
                done = status->done;
                last = clock_.monotonic();
            }
            if (status->behind == 0 && status->waiting == 0 && status->in_flight == 0) {
                break;
            }
        } while (!stop.wait(kLook));
        return last - begun;
    }

    std::uint64_t events() const { return events_; }
    std::uint64_t bytes() const { return bytes_; }

  private:
    Consumers& consumers_;
    const Clock& clock_;
    ConsumerSettings settings_;
    std::atomic<std::uint64_t> events_{0};
    std::atomic<std::uint64_t> bytes_{0};
    std::vector<std::unique_ptr<Member>> members_;
};

}  // namespace

Result<void> bench_consume(const BenchOptions& options, const Invocation& invocation) {
    auto consumers = open_consumers(invocation);
    if (!consumers) {
        return consumers.error();
    }
    Run run(**consumers, invocation.console.clock);
    if (auto ok = run.create(options); !ok) {
        return ok;
    }
    auto took = run.work(options, invocation.console.stop);
    if (!took) {
        return took.error();
    }
    Output output(invocation);
    BenchReport report(output);
    const double seconds = std::chrono::duration<double>(*took).count();
    if (run.events() > 0 && seconds > 0) {
        report.figure("consume_acked", run.bytes() / run.events(),
                      static_cast<double>(run.events()) / seconds, "events/s");
    }
    return {};
}

}  // namespace skald::cli
