#include "tests/model/configurations.h"

#include <fmt/format.h>

namespace skald::model {
namespace {

constexpr std::uint64_t kShort = 4'000'000;

Setup setup_of(std::string name, int k, Bounds bounds) {
    Setup setup;
    setup.name = std::move(name);
    setup.k = k;
    setup.bounds = bounds;
    return setup;
}

// Adds `base` with one bound changed.
template <typename Change>
void vary(std::vector<Search>& all, const Search& base, const char* how, Change change) {
    Search wider = base;
    change(wider.setup.bounds);
    wider.setup.name += how;
    all.push_back(wider);
}

}  // namespace

std::vector<Search> short_searches() {
    std::vector<Search> all;
    const auto add = [&](const Setup& setup, bool healing) {
        all.push_back({setup, healing, kShort});
    };
    add(setup_of("sync", 0, {.duplicates = true}), false);
    add(setup_of("sync, 3 epochs", 0, {.epochs = 3, .messages = 1}), false);
    add(setup_of("semi-sync, 3 epochs", 2, {.epochs = 3, .messages = 1}), false);
    add(setup_of("sync, power cuts", 0, {.messages = 1, .crashes = 1, .lazy_sync = true}), false);
    add(setup_of("semi-sync, power cuts", 2, {.messages = 1, .crashes = 1, .lazy_sync = true}),
        false);
    add(setup_of("semi-sync, crashes", 2, {.messages = 1, .crashes = 1}), true);
    add(setup_of("semi-sync, members", 2, {.messages = 1, .revisions = 1, .members = true}), true);
    Setup learner = setup_of("sync, a learner, crashes", 0,
                             {.messages = 1, .revisions = 1, .crashes = 1, .members = true});
    learner.isr = 3;
    add(learner, true);
    Setup two = setup_of("sync, min_isr 2, members", 0, {.messages = 1, .members = true});
    two.min_isr = 2;
    add(two, true);
    Setup wiped = setup_of("2 nodes, wipes, all else", 0,
                           {.nodes = 2,
                            .log = 3,
                            .messages = 1,
                            .crashes = 1,
                            .wipes = 1,
                            .members = true,
                            .merges = true,
                            .lazy_sync = true});
    wiped.isr = 3;
    add(wiped, true);
    add(setup_of("producers", 0, {.events = 3, .log = 3, .messages = 1}), false);
    add(setup_of("ack: primary", 0, {.messages = 1, .crashes = 1, .primary_acks = true}), false);
    add(setup_of("merges, reads", 2, {.messages = 1, .reads = 1, .merges = true}), false);
    Setup unsynced = setup_of("fsync off", 0, {.messages = 1, .crashes = 1});
    unsynced.fsync = false;
    add(unsynced, false);
    return all;
}

std::vector<Search> long_searches(std::uint64_t states) {
    std::vector<Search> all;
    for (Search search : short_searches()) {
        search.states = states;
        search.healing = true;
        all.push_back(search);
        search.healing = false;
        vary(all, search, " + message", [](Bounds& bounds) { ++bounds.messages; });
        vary(all, search, " + duplicates", [](Bounds& bounds) { bounds.duplicates = true; });
        vary(all, search, " + epoch", [](Bounds& bounds) { ++bounds.epochs; });
        vary(all, search, " + crash", [](Bounds& bounds) { ++bounds.crashes; });
        vary(all, search, " + change", [](Bounds& bounds) {
            ++bounds.changes;
            bounds.members = true;
        });
        vary(all, search, " + event", [](Bounds& bounds) {
            bounds.events = bounds.events == 3 ? 3 : bounds.events + 1;
            ++bounds.log;
        });
    }
    return all;
}

std::vector<Search> harmless_searches(std::uint64_t states) {
    std::vector<Search> all;
    for (const Seeded& seeded : seeded_bugs()) {
        if (!seeded.caught) {
            Search search{seeded.setup, false, states};
            search.setup.name = std::string("without: ") + seeded.what;
            search.setup.bounds.events = 2;
            search.setup.bounds.log = 5;
            vary(all, search, " + epoch", [](Bounds& bounds) { ++bounds.epochs; });
            vary(all, search, " + crash", [](Bounds& bounds) { ++bounds.crashes; });
            vary(all, search, " + members", [](Bounds& bounds) {
                bounds.members = true;
                ++bounds.messages;
            });
        }
    }
    return all;
}

std::vector<Setup> wide_setups() {
    std::vector<Setup> all;
    for (const int k : {0, 2}) {
        for (const int isr : {7, 3}) {
            for (const int min_isr : {1, 2}) {
                Setup setup = setup_of(
                    fmt::format("walks, k {}, ISR of {}, min_isr {}", k, isr == 7 ? 3 : 2, min_isr),
                    k,
                    {.events = 3,
                     .epochs = 5,
                     .log = 6,
                     .messages = 3,
                     .changes = 2,
                     .revisions = 4,
                     .crashes = 3,
                     .wipes = 1,
                     .reads = 1,
                     .primary_acks = true,
                     .members = true,
                     .duplicates = true,
                     .merges = true,
                     .lazy_sync = true});
                setup.isr = isr;
                setup.min_isr = min_isr;
                all.push_back(setup);
            }
        }
    }
    return all;
}

std::vector<Setup> harmless_wide_setups() {
    std::vector<Setup> all;
    for (const Seeded& seeded : seeded_bugs()) {
        for (Setup wide : wide_setups()) {
            if (!seeded.caught && wide.k == seeded.setup.k) {
                wide.name += std::string(", without: ") + seeded.what;
                wide.bugs = seeded.setup.bugs;
                all.push_back(wide);
            }
        }
    }
    return all;
}

std::string line_of(const Search& search, const Result& result) {
    const Report& report = result.report;
    const bool walked = report.transitions == report.states;
    const std::string end = !report.violation.empty()
                                ? fmt::format("after {}: {}", report.trace.size(), report.violation)
                            : report.complete ? "complete"
                            : walked          ? "walked"
                                              : "not complete";
    return fmt::format(
        "{:<34} {:>10} states {:>11} transitions {:>3} deep {:>6.1f} s {:>5} MiB "
        "{}{}",
        search.setup.name, report.states, report.transitions, report.depth, result.seconds,
        report.bytes >> 20U, end, result.healed == 0 ? "" : ", heals from each");
}

}  // namespace skald::model
