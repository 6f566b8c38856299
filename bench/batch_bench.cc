// What it costs to build batches of requests of one 128 B event.
//     build/release/bench/batch_bench
#include <fmt/format.h>

#include <ctime>

#include "wire/batch_builder.h"

namespace skald {
namespace {

constexpr std::size_t kRequests = 4096;
constexpr int kBatches = 500;

// Of this process: what others on the machine do does not count.
double cpu_ns() {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

std::vector<std::string> make_requests(std::size_t streams) {
    wire::IdSource ids;
    std::vector<std::string> requests;
    for (std::size_t i = 0; i < kRequests; ++i) {
        NewEvent event;
        event.type = "order_placed";
        event.data.assign(128, 'x');
        const std::string stream = fmt::format("order-{:08}", i * 7919 % streams);
        requests.push_back(wire::encode_request(Append::one(stream, event), ids).value().bytes);
    }
    return requests;
}

void run(std::size_t streams) {
    const std::vector<std::string> bytes = make_requests(streams);
    std::vector<wire::RequestView> requests;
    for (const std::string& request : bytes) {
        requests.push_back(wire::RequestView::open(as_bytes(request)).value());
    }
    Producer producer;
    producer.id.bytes[0] = 1;
    wire::BatchBuilder builder;
    std::size_t total = 0;
    const double begun = cpu_ns();
    for (int b = 0; b < kBatches; ++b) {
        builder.begin(Epoch{1}, Offset{0}, {});
        for (const wire::RequestView& request : requests) {
            ++producer.sequence;
            const Version version{0};
            builder.add(request, {&version, 1}, &producer);
        }
        total += builder.finish(Offset{0}, 1).size();
    }
    const double events = static_cast<double>(kBatches) * kRequests;
    fmt::print("{} streams: {:.0f} ns an event, {:.0f} B an event\n", streams,
               (cpu_ns() - begun) / events, static_cast<double>(total) / events);
}

}  // namespace
}  // namespace skald

int main() {
    skald::run(1);
    skald::run(64);
    skald::run(4096);
}
