// Writers against each other, over every kind of store: what they were told must be what the log
// says.
//
//   skald_race seats [--rounds N] [--seeded]
//   skald_race hot [--seconds N] [--seeded]
//   skald_race pairs [--rounds N] [--seeded]
//
// seats: two writers want the last seat of a course, and a third one writes next to them about
// another course, N times, in memory at most 1,000: one winner each, and no conflict of the third.
// hot: 8 writers on one hot account and 1,000 cold ones, for N seconds over each store: the effect
// of every accepted command is there exactly once, and of every refused one not. pairs (pairs.h):
// who wrote reads it. --seeded drops the conditions from appends and queries; the exit status is
// then 0 when that was found.
#include <fmt/format.h>

#include <algorithm>
#include <barrier>
#include <cstdio>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "skald/cqrs/decisions.h"
#include "skald/cqrs/repository.h"
#include "tests/cqrs/account.h"
#include "tests/cqrs/course.h"
#include "tests/crash/arguments.h"
#include "tests/race/arena.h"
#include "tests/race/pairs.h"

namespace {

using namespace skald;
using namespace skald::cqrs;
using namespace skald::race;

// ---- seats

// Each of a round's reads goes through all that the store in memory holds.
constexpr std::uint64_t kRoundsInMemoryMax = 1000;

std::uint64_t seats(const std::string& kind, std::uint64_t rounds, bool seeded) {
    Arena arena(kind, seeded);
    std::vector<std::unique_ptr<Decisions<Seats>>> writers;
    for (int i = 0; i < 3; ++i) {
        writers.push_back(std::make_unique<Decisions<Seats>>(
            arena.way(), DecisionsOptions{.conflict = {.attempts = 1000}}));
    }
    std::vector<std::atomic<int>> winners(rounds);
    std::barrier together(3);
    const auto race = [&](std::size_t writer) {
        for (std::uint64_t round = 0; round < rounds; ++round) {
            const bool other = writer == 2;
            const std::string course = fmt::format("{}{}", other ? "o" : "c", round);
            const std::string student = fmt::format("s{}-{}", writer, round);
            const auto boundary = seats_of(course, student);
            if (writer != 1) {
                promise(must(writers[writer]->execute(boundary, Offer{1})).accepted(), "an offer");
            }
            together.arrive_and_wait();
            const auto done = must(writers[writer]->execute(boundary, Enrol{}));
            promise(!other || done.receipt, "the only one at a course got no seat");
            if (!other) {
                winners[round] += done.receipt ? 1 : 0;
            }
            together.arrive_and_wait();
        }
    };
    std::vector<std::thread> threads;
    for (std::size_t writer = 0; writer < 3; ++writer) {
        threads.emplace_back(race, writer);
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    for (std::uint64_t round = 0; round < rounds; ++round) {
        promise(winners[round] == 1,
                fmt::format("round {} has {} winners", round, winners[round].load()));
        const auto state = must(writers[0]->load(seats_of(fmt::format("c{}", round), "")));
        promise(state.taken == 1, fmt::format("round {}: {} seats taken", round, state.taken));
    }
    promise(writers[2]->stats().conflicts == 0, "a conflict between disjoint queries");
    return writers[0]->stats().conflicts + writers[1]->stats().conflicts;
}

// ---- hot

constexpr int kWriters = 8;
constexpr std::uint64_t kCold = 1000;
constexpr const char* kHot = "hot";

struct Told {
    std::map<std::string, Receipt> accepted;  // by command id
    std::map<std::string, std::string> account;
    std::set<std::string> refused;
    std::uint64_t repeats = 0;
};

void write_accounts(Repository<Account>& accounts, int writer, Monotonic end, Told& told) {
    std::mt19937_64 random(static_cast<std::uint64_t>(writer));
    const SystemClock& clock = SystemClock::instance();
    for (std::uint64_t n = 0; clock.monotonic() < end; ++n) {
        const std::string id = fmt::format("{}/{}", writer, n);
        const std::string account = random() % 2 == 0 ? kHot : std::to_string(random() % kCold);
        const unsigned times = random() % 8 == 0 ? 2 : 1;
        for (unsigned i = 0; i < times; ++i) {
            const auto done = accounts.execute(account, Deposit{1}, {.command_id = id});
            if (!done) {
                promise(done.error().code == Errc::wrong_expected_version, done.error().message);
                told.refused.insert(id);
                break;
            }
            const auto [known, first] = told.accepted.emplace(id, *done->receipt);
            told.account[id] = "account-" + account;
            told.repeats += first ? 0 : 1;
            promise(done->receipt->repeated == !first, "a repeat was carried out");
            promise(done->receipt->offset == known->second.offset, "a repeat got another receipt");
        }
    }
}

// What the log holds, against what the writers were told.
std::uint64_t compare(EventStore& store, const std::vector<Told>& told) {
    std::set<std::string> found;
    std::map<std::string, std::int64_t> sums;
    Read read;
    read.selection = Selection::type("Deposited");
    for (bool end = false; !end;) {
        const Page page = must(store.read(read));
        for (const EventView& event : page.events) {
            const std::string id(event.command_id());
            const Told& by = told[static_cast<std::size_t>(std::stoi(id))];
            promise(found.insert(id).second, "twice in the log: " + id);
            promise(by.accepted.contains(id), "not accepted and in the log: " + id);
            promise(by.account.contains(id) && by.account.at(id) == event.stream,
                    "in another account: " + id);
            ++sums[std::string(event.stream)];
        }
        read.start = page.resume;
        end = page.end;
    }
    std::uint64_t accepted = 0;
    for (const Told& by : told) {
        accepted += by.accepted.size();
        for (const auto& [id, receipt] : by.accepted) {
            promise(found.contains(id), "accepted and not in the log: " + id);
        }
    }
    Repository<Account> fresh(store, {.category = "account"});
    for (const auto& [stream, sum] : sums) {
        const auto account = must(fresh.load(stream.substr(stream.find('-') + 1)));
        promise(account.state.cents == sum, "the sum of " + stream);
    }
    return accepted;
}

std::string hot(const std::string& kind, std::uint64_t seconds, bool seeded) {
    Arena arena(kind, seeded);
    std::vector<std::unique_ptr<Repository<Account>>> repositories;
    for (int writer = 0; writer < kWriters; ++writer) {
        repositories.push_back(std::make_unique<Repository<Account>>(
            arena.way(), RepositoryOptions{.category = "account",
                                           .snapshot = {.events = 100},
                                           .commands_remembered = 64,
                                           .cached_aggregates = 100}));
    }
    for (std::uint64_t i = 0; i < kCold; ++i) {
        must(repositories[0]->execute(std::to_string(i), Open{"cold"}));
    }
    must(repositories[0]->execute(kHot, Open{"hot"}));
    std::vector<Told> told(kWriters);
    std::vector<std::thread> threads;
    const Monotonic end = SystemClock::instance().monotonic() + std::chrono::seconds(seconds);
    for (int writer = 0; writer < kWriters; ++writer) {
        const auto at = static_cast<std::size_t>(writer);
        threads.emplace_back(
            [&, writer, at] { write_accounts(*repositories[at], writer, end, told[at]); });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    const std::uint64_t accepted = compare(arena.way(), told);
    std::uint64_t refused = 0;
    std::uint64_t repeats = 0;
    std::uint64_t conflicts = 0;
    for (std::size_t i = 0; i < told.size(); ++i) {
        refused += told[i].refused.size();
        repeats += told[i].repeats;
        conflicts += repositories[i]->stats().conflicts;
    }
    return fmt::format("{} accepted, {} refused, {} repeats, {} conflicts", accepted, refused,
                       repeats, conflicts);
}

}  // namespace

int main(int argc, char** argv) {
    const std::string verb = argc > 1 ? argv[1] : "";
    if (verb != "seats" && verb != "hot" && verb != "pairs") {
        std::fprintf(stderr,
                     "usage: skald_race seats|hot|pairs [--rounds N] [--seconds N] [--seeded]\n");
        return 2;
    }
    const crash::Arguments arguments(argc - 1, argv + 1, " --rounds --seconds --seeded ");
    const bool seeded = arguments.has("--seeded");
    const std::uint64_t rounds = arguments.number("--rounds", 10'000);
    for (const char* kind : {"memory", "local", "node"}) {
        if (verb == "seats") {
            const std::uint64_t most =
                std::string_view(kind) == "memory" ? kRoundsInMemoryMax : rounds;
            const std::uint64_t run = std::min(rounds, most);
            fmt::print("seats over {}: {} rounds{}, {} conflicts\n", kind, run,
                       run < rounds ? ", the most in memory" : "", seats(kind, run, seeded));
        } else if (verb == "pairs") {
            fmt::print("pairs over {}: {} writes, each then read\n", kind,
                       pairs(kind, rounds, seeded));
        } else {
            fmt::print("hot over {}: {}\n", kind,
                       hot(kind, arguments.number("--seconds", 60), seeded));
        }
        std::fflush(stdout);
    }
    fmt::print("{} broken promises\n", broken_promises.load());
    return (broken_promises == 0) == !seeded ? 0 : 1;
}
