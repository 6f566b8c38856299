// Orders in, mails out: three workers of a durable consumer share the mails that events ask for,
// each order's in order. One address takes no mail: its event is retried, then parked, and what
// comes behind it under the same order with it, while all others flow. Then the address is
// corrected, and what was parked is given out again.
//
//     example_mailer [DIRECTORY]                  with a node of its own, its log and the outbox
//     there example_mailer --server ENDPOINT OUTBOX     over that node
//
// Checks itself: ends non-zero unless every order has exactly its mails, in order. May be run again
// over one log.
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "orders.h"
#include "outbox.h"
#include "skald/client.h"
#include "skald/node.h"

namespace {

using namespace std::chrono_literals;
using shop::Outbox;

constexpr int kOrders = 8;
constexpr int kWorkers = 3;
constexpr int kPoisoned = 3;  // the order whose address takes no mail
constexpr std::uint32_t kTries = 3;
constexpr std::size_t kMails = shop::kStatuses.size();  // of an order
const std::string kWrong = "carol@invalid.example";
const std::string kRight = "carol@example.com";

int fail(const std::string& why) {
    std::fprintf(stderr, "mailer: %s\n", why.c_str());
    return 1;
}

std::string order_name(int number) {
    return "order-" + std::to_string(number);
}

std::string address_of(int number) {
    return number == kPoisoned ? kWrong : "customer" + std::to_string(number) + "@example.com";
}

skald::ConsumerSettings mailer_settings() {
    skald::ConsumerSettings mailer;
    mailer.name = "mailer";
    mailer.selection = skald::Selection::category("order");
    mailer.selection.types = {"OrderStatusChanged"};
    mailer.mode = skald::ConsumerMode::per_key;
    mailer.max_deliveries = kTries;
    mailer.backoff.first = 10ms;
    return mailer;
}

// Every event of every order, by the order: the mails that are wanted, and where the events are.
struct Placed {
    std::map<std::string, std::vector<std::string>> mails;
    std::vector<skald::Place> poisoned;
};

// First all orders are placed, then all are paid, then all are shipped.
skald::Result<Placed> place_orders(skald::EventStore& store) {
    Placed placed;
    for (const char* status : shop::kStatuses) {
        for (int i = 0; i < kOrders; ++i) {
            const std::string order = order_name(i);
            auto event = skald::cqrs::to_new_event(shop::StatusChanged{status, address_of(i)});
            const auto receipt = store.append(skald::Append::one(order, std::move(*event)));
            if (!receipt) {
                return receipt.error();
            }
            const std::string to = i == kPoisoned ? kRight : address_of(i);
            placed.mails[order].push_back(order + ' ' + std::to_string(receipt->version.value) +
                                          ' ' + to + ' ' + status);
            if (i == kPoisoned) {
                placed.poisoned.push_back({receipt->partition, receipt->offset});
            }
        }
    }
    return placed;
}

// Takes mails out with all workers until there are so many in all, and as many refusals.
skald::Result<void> work(skald::Consumers& consumers, Outbox& outbox, std::size_t mails,
                         std::size_t refused) {
    const auto send = [&outbox](const skald::Work& work) { return outbox.send(work); };
    std::vector<std::unique_ptr<skald::Member>> workers;
    for (int i = 0; i < kWorkers; ++i) {
        skald::MemberOptions options;
        options.name = "worker " + std::to_string(i);
        options.in_flight = 4;
        auto worker = consumers.join("mailer", send, options);
        if (!worker) {
            return worker.error();
        }
        workers.push_back(std::move(*worker));
    }
    if (!outbox.wait_for(mails, refused)) {
        return skald::Error(skald::Errc::timed_out, "the mails do not come");
    }
    for (const auto& worker : workers) {
        if (auto ok = worker->drain(); !ok) {
            return ok;
        }
    }
    return {};
}

skald::Result<skald::ConsumerStatus> show(skald::Consumers& consumers) {
    auto status = consumers.show("mailer");
    if (status) {
        std::printf("mailer: %llu done, %llu waiting, %llu parked\n",
                    static_cast<unsigned long long>(status->done),
                    static_cast<unsigned long long>(status->waiting),
                    static_cast<unsigned long long>(status->parked));
    }
    return status;
}

// The first event was tried, the others wait behind it; nothing else is parked.
bool parked_as_wanted(skald::Consumers& consumers, const std::vector<skald::Place>& wanted) {
    const auto parked = consumers.parked("mailer", std::nullopt, 1000);
    if (!parked || parked->size() != wanted.size()) {
        return false;
    }
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const skald::ParkedEvent& event = (*parked)[i];
        std::printf("  parked: %s at %llu, %u deliveries, %s\n", event.stream.c_str(),
                    static_cast<unsigned long long>(event.place.offset.value), event.attempts,
                    event.reason.c_str());
        const bool first = i == 0;
        if (event.place != wanted[i] || event.follower == first ||
            event.attempts != (first ? kTries : 0)) {
            return false;
        }
    }
    return true;
}

int run(const skald::ClientOptions& options, const std::string& path) {
    const auto store = skald::connect(options);
    const auto consumers = skald::connect_consumers(options);
    if (!store || !consumers) {
        return fail("no connection");
    }
    if (auto ok = (*consumers)->create(mailer_settings()); !ok) {
        return fail(ok.error().message);
    }
    const auto placed = place_orders(**store);
    if (!placed) {
        return fail(placed.error().message);
    }

    Outbox outbox(path);
    const std::size_t flowing = (kOrders - 1) * kMails;
    if (auto ok = work(**consumers, outbox, flowing, kTries); !ok) {
        return fail(ok.error().message);
    }
    const auto parked = show(**consumers);
    if (!parked || !parked_as_wanted(**consumers, placed->poisoned)) {
        return fail("another event is parked than those of one order");
    }
    auto wanted = placed->mails;
    wanted.erase(order_name(kPoisoned));
    if (shop::mails_in(path) != wanted) {
        return fail("the other orders do not have their mails");
    }

    outbox.correct(kWrong, kRight);
    const auto replayed = (*consumers)->replay("mailer", 1);
    if (!replayed || *replayed != kMails) {
        return fail("not all of the order came again");
    }
    if (auto ok = work(**consumers, outbox, flowing + kMails, kTries); !ok) {
        return fail(ok.error().message);
    }
    const auto done = show(**consumers);
    if (!done || done->parked != 0 || done->waiting != 0 || done->in_flight != 0) {
        return fail("something is left");
    }
    if (shop::mails_in(path) != placed->mails) {
        return fail("the mails are not those of the orders, each once and in order");
    }
    std::printf("%d orders have their %zu mails\n", kOrders, flowing + kMails);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    skald::ClientOptions client;
    if (argc == 4 && std::string(argv[1]) == "--server") {
        client.servers = {argv[2]};
        return run(client, argv[3]);
    }
    const std::string directory = argc > 1 ? argv[1] : "mailer-data";
    skald::NodeOptions options;
    options.data_dir = directory + "/log";
    options.listen = {"inproc://mailer"};
    const auto node = skald::Node::start(options);
    if (!node) {
        return fail(node.error().message);
    }
    client.servers = (*node)->endpoints();
    return run(client, directory + "/outbox.txt");
}
