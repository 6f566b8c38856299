// Appends to a log in this process, without and with an inline projection, by turns.
//
//   inline_bench DIR [appends]      an empty directory; 5,000 appends a turn
//
// Each append is one event of 128 bytes and changes one of 1,000 rows with one index.
//
//   append_lone, inline_lone      one caller that waits for each
//   append_group, inline_group    256 on their way at a time
#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <vector>

#include "skald/clock.h"
#include "skald/cqrs/event_table.h"
#include "skald/cqrs/inline_projection.h"
#include "skald/cqrs/projection.h"
#include "skald/store.h"

namespace {

using namespace skald;

constexpr std::size_t kAccounts = 1000;
constexpr std::size_t kWindow = 256;
constexpr int kTurns = 5;

struct Deposited {
    std::int64_t cents = 0;
    std::string text;
    static auto describe() {
        return cqrs::event<Deposited>("Deposited", 1)
            .required("cents", &Deposited::cents)
            .required("text", &Deposited::text);
    }
};

struct Balance {
    std::string account;
    std::int64_t cents = 0;
    static auto describe() {
        return cqrs::record<Balance>("Balance")
            .field("account", &Balance::account)
            .field("cents", &Balance::cents);
    }
};

cqrs::AnyProjection balances() {
    cqrs::Projection<Balance> projection(
        "balances", 1, cqrs::rows<Balance>().key(&Balance::account).index(&Balance::cents));
    projection.on<Deposited>(
        [](cqrs::Rows<Balance>& rows, const Deposited& deposited, const EventView& at) {
            rows.change_or({std::string(at.stream), 0},
                           [&](Balance& balance) { balance.cents += deposited.cents; });
        });
    return projection.build();
}

template <typename T>
T must(Result<T> result) {
    if (!result) {
        std::fprintf(stderr, "inline_bench: %s\n", result.error().message.c_str());
        std::exit(1);
    }
    return std::move(*result);
}

double now_s() {
    return std::chrono::duration<double>(SystemClock::instance().monotonic()).count();
}

Append append_of(std::size_t i) {
    const Deposited event{static_cast<std::int64_t>(i % 97), std::string(96, 'x')};
    return Append::one(fmt::format("account-{}", i % kAccounts), must(cqrs::to_new_event(event)));
}

double lone(EventStore& store, std::size_t appends) {
    const double begin = now_s();
    for (std::size_t i = 0; i < appends; ++i) {
        must(store.append(append_of(i)));
    }
    return static_cast<double>(appends) / (now_s() - begin);
}

double group(EventStore& store, std::size_t appends) {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t under_way = 0;
    const double begin = now_s();
    for (std::size_t i = 0; i < appends; ++i) {
        {
            std::unique_lock lock(mutex);
            changed.wait(lock, [&] { return under_way < kWindow; });
            ++under_way;
        }
        store.append_async(append_of(i), [&](Result<Receipt> receipt) {
            must(std::move(receipt));
            const std::scoped_lock lock(mutex);
            --under_way;
            changed.notify_one();
        });
    }
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return under_way == 0; });
    return static_cast<double>(appends) / (now_s() - begin);
}

void report(const char* metric, std::vector<double> rates) {
    std::sort(rates.begin(), rates.end());
    std::printf("skald %s 128 %.0f appends/s (%.0f-%.0f)\n", metric, rates[rates.size() / 2],
                rates.front(), rates.back());
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2 || argc > 3) {
        std::fprintf(stderr, "usage: inline_bench DIR [appends]\n");
        return 2;
    }
    const std::size_t appends = argc == 3 ? std::strtoull(argv[2], nullptr, 10) : 5000;
    StoreOptions options;
    options.map_bytes = std::size_t{16} << 30;
    auto store = must(open_store(argv[1], options));
    std::vector<double> rates[4];
    for (int turn = 0; turn < kTurns; ++turn) {
        rates[0].push_back(lone(*store, appends));
        rates[2].push_back(group(*store, 10 * appends));
        const auto model = must(cqrs::InlineProjection::attach(*store, balances()));
        rates[1].push_back(lone(*store, appends));
        rates[3].push_back(group(*store, 10 * appends));
    }
    report("append_lone", rates[0]);
    report("inline_lone", rates[1]);
    report("append_group", rates[2]);
    report("inline_group", rates[3]);
    return 0;
}
