// Kills a projector again and again, at moments of chance and at named calls on its read model, and
// looks each time whether its rows, indexes and parked events are a recount of the log up to its
// checkpoint, and at the end of all of it.
//
//   skald_crash_projector [--rows lmdb|sql|inline] [--cycles N] [--seed S] [--marks N] [--seeded
//   doubled]
//
// --rows: where they are kept; inline, nothing is ever to be brought up or parked. --marks: it is
// killed after at most so many. --seeded plants a defect: one event counted twice; the exit status
// is then 0 when it was found.
#include <signal.h>

#include <cstdio>
#include <map>
#include <random>

#include "skald/store.h"
#include "tests/crash/arguments.h"
#include "tests/crash/process.h"
#include "tests/crash/sums_model.h"

namespace {

using namespace skald;
using namespace skald::crash;

struct Recount {
    std::map<std::string, Sum> sums;
    std::map<std::string, std::vector<std::uint64_t>> parked;  // versions by stream
    std::uint64_t events = 0;
};

class Cut {
  public:
    explicit Cut(const Arguments& arguments)
        : seed_(arguments.number("--seed", 1)),
          cycles_(arguments.number("--cycles", 20)),
          marks_(std::max<std::uint64_t>(arguments.number("--marks", 400), 1)),
          seeded_(arguments.text("--seeded")),
          rows_(arguments.text("--rows").empty() ? "lmdb" : arguments.text("--rows")),
          dice_(seed_) {}

    int run() {
        std::fprintf(stderr, "projector: seed %llu\n", static_cast<unsigned long long>(seed_));
        std::uint64_t cycle = 0;
        for (; cycle < cycles_ && wrong_ == 0; ++cycle) {
            kill_one();
            look(false);
        }
        look(true);
        std::printf(
            "projector: cycles=%llu at_calls=%llu looked=%llu events=%llu parked=%llu "
            "violations=%llu\n",
            number(cycle), number(at_calls_), number(looked_), number(events_), number(parked_),
            number(wrong_));
        if (wrong_ != 0 && seeded_.empty()) {
            temp_.keep();
        }
        const bool good = seeded_.empty() ? wrong_ == 0 && looked_ > cycles_ / 2 : wrong_ != 0;
        return good ? 0 : 1;
    }

  private:
    static unsigned long long number(std::uint64_t n) { return n; }
    std::string log() const { return temp_.path() + "/log"; }
    std::string model() const { return temp_.path() + "/model"; }

    void kill_one() {
        const std::string written = rows_ == "inline" ? log() : model();
        Command command;
        command.arguments = {beside_program("skald_crash_projector_workload"), rows_, log(),
                             model(), std::to_string(dice_())};
        if (dice_() % 2 == 0) {
            static const char* const calls[] = {"pwrite", "fdatasync", "writev"};
            static const char* const actions[] = {"kill-before", "kill-torn", "kill-after"};
            command.preload = beside_program("libskald_crash_faults.so");
            command.environment = {{"SKALD_SHIM_ROOT", written},
                                   {"SKALD_FAULT_CALL", calls[dice_() % 3]},
                                   {"SKALD_FAULT_ACTION", actions[dice_() % 3]},
                                   {"SKALD_FAULT_NTH", std::to_string(1 + dice_() % 60)}};
            ++at_calls_;
        }
        Child child(command);
        child.await(1 + dice_() % marks_, 20'000);
        child.kill();
        const Exit exit = child.wait();
        if (!exit.signalled || exit.code != SIGKILL || exit.hung) {
            say("the workload ended by itself");
        }
    }

    void say(const std::string& what) {
        std::fprintf(stderr, "projector: %s (%s)\n", what.c_str(), temp_.path().c_str());
        ++wrong_;
    }

    // What the rows must be, from the log alone.
    static Recount recount(EventStore& store, const Position& until) {
        Recount recount;
        Read read;
        std::uint64_t end = 0;
        for (const PartitionPosition& each : until.partitions) {
            end = each.next.value;
        }
        while (true) {
            auto page = store.read(read);
            if (!page) {
                std::abort();
            }
            for (const EventView& event : page->events) {
                if (event.offset.value < end) {
                    count(recount, event);
                }
            }
            if (page->end) {
                return recount;
            }
            read.start = page->next;
        }
    }

    static void count(Recount& recount, const EventView& event) {
        const std::string stream(event.stream);
        const std::int64_t number = std::stoll(std::string(event.data.substr(10)));
        ++recount.events;
        if (is_poison(number) || recount.parked.contains(stream)) {
            recount.parked[stream].push_back(event.version.value);
            return;
        }
        Sum& sum = recount.sums.try_emplace(stream, Sum{stream, 0, 0}).first->second;
        sum.sum += number;
        ++sum.count;
    }

    void look(bool finish) {
        StoreOptions options;
        options.map_bytes = std::size_t{1} << 30;
        auto store = open_store(log(), options);
        auto model = open_sums(rows_, this->model());
        if (!store || !model) {
            say(!store ? store.error().message : model.error().message);
            return;
        }
        const bool finished = finish || rows_ == "inline" || dice_() % 4 == 0;
        if (finished && !finish_all(**store, **model)) {
            return;
        }
        auto looked = (*model)->look();
        if (!looked) {
            say(looked.error().message);
            return;
        }
        if (!*looked) {
            return;  // killed before it had caught up for the first time
        }
        const Recount recounted = recount(**store, (*looked)->position);
        compare(recounted, **looked);
        if (finished) {
            compare_parked(recounted, **model);
        }
    }

    bool finish_all(EventStore& store, SumsModel& model) {
        const auto started = model.start(store, [] {});
        const bool good = started && model.caught_up(store);
        if (!good) {
            say(started ? "the rows are behind the log" : started.error().message);
        }
        return good;
    }

    void compare(Recount recount, const SumsModel::Looked& looked) {
        ++looked_;
        if (seeded_ == "doubled" && !recount.sums.empty()) {
            ++recount.sums.begin()->second.count;
        }
        std::vector<Sum> expected;
        for (const auto& [stream, sum] : recount.sums) {
            expected.push_back(sum);
        }
        events_ = recount.events;
        if (looked.by_stream != expected) {
            say("the rows are not a recount of the log");
        }
        const auto stable = [&](auto less) {
            auto sorted = expected;
            std::stable_sort(sorted.begin(), sorted.end(), less);
            return sorted;
        };
        if (looked.by_sum != stable([](const Sum& a, const Sum& b) { return a.sum < b.sum; }) ||
            looked.by_count !=
                stable([](const Sum& a, const Sum& b) { return a.count < b.count; })) {
            say("an index is not of the rows");
        }
        if (looked.events != recount.events) {
            say("events were counted twice or not at all");
        }
    }

    void compare_parked(const Recount& recount, const SumsModel& model) {
        for (const auto& [stream, versions] : recount.parked) {
            const auto found = model.parked(stream);
            const std::size_t shown = std::min<std::size_t>(versions.size(), 1000);
            if (found != std::vector<std::uint64_t>(versions.begin(),
                                                    versions.begin() + static_cast<long>(shown))) {
                say("the parked events of " + stream + " are not those that were to be");
            }
            parked_ += found.size();
        }
    }

    std::uint64_t seed_;
    std::uint64_t cycles_;
    std::uint64_t marks_;
    std::string seeded_;
    std::string rows_;
    std::mt19937_64 dice_;
    TempDirectory temp_;
    std::uint64_t at_calls_ = 0;
    std::uint64_t looked_ = 0;
    std::uint64_t events_ = 0;
    std::uint64_t parked_ = 0;
    std::uint64_t wrong_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    return Cut(Arguments(argc, argv, " --rows --cycles --seed --marks --seeded ")).run();
}
