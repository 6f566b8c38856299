// What it costs to encode and to open an append request of one event.
//     build/release/bench/request_bench
#include <fmt/format.h>

#include <ctime>

#include "base/crc32c.h"
#include "wire/request.h"

namespace skald {
namespace {

constexpr int kRounds = 2'000'000;

// Of this process: what others on the machine do does not count.
double cpu_ns() {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

template <typename Step>
double ns_per_round(const Step& step) {
    const double begun = cpu_ns();
    for (int i = 0; i < kRounds; ++i) {
        step();
    }
    return (cpu_ns() - begun) / kRounds;
}

void run(std::size_t data_bytes) {
    NewEvent event;
    event.type = "order_placed";
    event.data.assign(data_bytes, 'x');
    const Append append = Append::one("order-4711", event);
    wire::IdSource ids;
    std::size_t total = 0;
    const double encode =
        ns_per_round([&] { total += wire::encode_request(append, ids).value().bytes.size(); });
    const std::string bytes = wire::encode_request(append, ids).value().bytes;
    const double open = ns_per_round(
        [&] { total += wire::RequestView::open(as_bytes(bytes)).value().header().records; });
    const double crc = ns_per_round([&] { total += wire::request_crc(as_bytes(bytes)); });
    fmt::print("{} B event: encode {:.0f} ns, open {:.0f} ns, of it crc {:.0f} ns ({} B, {})\n",
               data_bytes, encode, open, crc, bytes.size(), total % 10);
}

}  // namespace
}  // namespace skald

int main() {
    skald::run(128);
    skald::run(1024);
}
