// Appends some numbers to a log and projects them, until it is killed. A mark to the progress pipe
// for each number whose rows are committed.
//
// Streams come and go as the log grows: those in which a number failed are parked for good, and
// with the same few ones soon nothing would be projected any more.
//
// Inline, a commit is marked as well, and an append may be refused for a number that fails.
//
//   skald_crash_projector_workload ROWS LOG MODEL SEED
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <random>

#include "skald/store.h"
#include "tests/crash/process.h"
#include "tests/crash/sums_model.h"

namespace {

using namespace skald;

constexpr std::uint64_t kEventsInRun = 10'000;  // a kill comes long before
constexpr std::uint64_t kEventsOfStreams = 20'000;
constexpr std::uint64_t kStreams = 60;

std::uint64_t end_of(EventStore& store) {
    const auto position = store.position();
    return position && !position->partitions.empty() ? position->partitions[0].next.value : 0;
}

[[noreturn]] void fail(const Error& error) {
    std::fprintf(stderr, "projector workload: %s\n", error.message.c_str());
    std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        return 2;
    }
    StoreOptions log_options;
    log_options.map_bytes = std::size_t{1} << 30;
    auto store = open_store(argv[2], log_options);
    if (!store) {
        fail(store.error());
    }
    auto model = crash::open_sums(argv[1], argv[3]);
    if (!model) {
        fail(model.error());
    }
    const auto mark = [] { (void)!write(crash::Child::kProgressFd, ".", 1); };
    if (auto started = (*model)->start(**store, mark); !started) {
        fail(started.error());
    }
    std::mt19937_64 dice(std::strtoull(argv[4], nullptr, 10));
    const std::uint64_t begin = end_of(**store);
    for (std::uint64_t at = begin; at < begin + kEventsInRun;) {
        std::vector<NewEvent> events(1 + dice() % 40);
        for (NewEvent& event : events) {
            event.type = "Added";
            event.data = "{\"number\":" + std::to_string(dice() % 1000) + "}";
        }
        const std::string stream =
            "s-" + std::to_string(at / kEventsOfStreams) + "-" + std::to_string(dice() % kStreams);
        at += events.size();
        auto receipt = (*store)->append(Append::many(stream, std::move(events)));
        if (!receipt && receipt.error().code != Errc::handler_failed) {
            fail(receipt.error());
        }
    }
    while (true) {
        pause();
    }
}
