// Accounts on an embedded log: transfers by several threads, a command sent twice, an aggregate at
// two versions. Checks its own sums; ends non-zero when one is wrong.
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "account.h"
#include "messages.h"
#include "skald/cqrs/bus.h"
#include "skald/cqrs/middleware.h"
#include "skald/cqrs/repository.h"
#include "skald/cqrs/testing.h"
#include "skald/store.h"

namespace {

using skald::cqrs::ExecuteOptions;
using Accounts = skald::cqrs::Repository<bank::Account>;

constexpr int kTellers = 4;
constexpr int kTransfers = 25;  // of each teller

int fail(const std::string& why) {
    std::fprintf(stderr, "bank: %s\n", why.c_str());
    return 1;
}

// The rules by themselves: no store, no log.
bool rules_hold() {
    using skald::cqrs::given;
    const auto verdict = given<bank::Account>(bank::Opened{"ann"}, bank::Deposited{500, ""})
                             .when(bank::Withdraw{700, "rent"})
                             .then_rejected(bank::Overdrawn{200});
    std::printf("%s", verdict.text().c_str());
    return verdict.ok();
}

// Takes from one account and gives to the other. The two are appended one after the other; the
// command ids make it safe to do either again.
bool transfer(Accounts& accounts, const std::string& from, const std::string& to,
              std::int64_t cents, const std::string& id) {
    const auto taken =
        accounts.execute(from, bank::Withdraw{cents, to}, {.command_id = id + "-take"});
    if (!taken || taken->rejection) {
        return false;
    }
    const auto given =
        accounts.execute(to, bank::Deposit{cents, from}, {.command_id = id + "-give"});
    return given && given->accepted();
}

// Every teller moves money from ann to bob, all at once: conflicts are decided again.
int race(Accounts& accounts) {
    std::vector<int> failed(kTellers, 0);
    std::vector<std::thread> tellers;
    for (int teller = 0; teller < kTellers; ++teller) {
        tellers.emplace_back([&accounts, &failed, teller] {
            for (int i = 0; i < kTransfers; ++i) {
                const std::string id = std::to_string(teller) + "/" + std::to_string(i);
                failed[static_cast<std::size_t>(teller)] +=
                    transfer(accounts, "ann", "bob", 10, id) ? 0 : 1;
            }
        });
    }
    int all = 0;
    for (int teller = 0; teller < kTellers; ++teller) {
        tellers[static_cast<std::size_t>(teller)].join();
        all += failed[static_cast<std::size_t>(teller)];
    }
    return all;
}

// Commands and queries find their handlers by type.
void connect(skald::cqrs::Bus& bus, Accounts& accounts) {
    using skald::cqrs::SendOptions;
    (void)bus.handle<bank::Pay>([&](const bank::Pay& pay, const SendOptions& options) {
        return done_of(
            accounts.execute(pay.account, bank::Withdraw{pay.cents, pay.to}, execute(options)));
    });
    (void)bus.answer<bank::BalanceOf>(
        [&](const bank::BalanceOf& query) -> skald::Result<bank::Balance> {
            auto account = accounts.load(query.account);
            if (!account) {
                return account.error();
            }
            return bank::Balance{account->state.cents};
        });
}

// True when the bus gives what it should.
bool bus_works(Accounts& accounts) {
    skald::cqrs::Bus bus;
    skald::cqrs::Meter meter;
    bus.use(skald::cqrs::measure(meter));
    bus.use(skald::cqrs::validate<bank::Pay>([](const bank::Pay& pay) -> skald::Result<void> {
        if (pay.cents <= 0) {
            return skald::Error(skald::Errc::invalid_argument, "cents must be above 0");
        }
        return {};
    }));
    connect(bus, accounts);
    const auto refused = bus.send(bank::Pay{"bob", 1'000'000, "rent"}, {.command_id = "rent"});
    const auto wrong = bus.send(bank::Pay{"bob", -1, "rent"});
    const auto balance = bus.ask(bank::BalanceOf{"bob"});
    const auto figures = meter.figures();
    return refused && refused->rejection && !wrong && balance && figures.at("Pay").failed == 1;
}

int run(const std::string& directory) {
    if (!rules_hold()) {
        return fail("the rules do not hold");
    }
    auto store = skald::open_store(directory);
    if (!store) {
        return fail(store.error().message);
    }
    Accounts accounts(**store, {.category = "account",
                                .snapshot = {.events = 50},
                                .cached_aggregates = 100,
                                .conflict = {.attempts = 100}});
    for (const char* owner : {"ann", "bob"}) {
        const ExecuteOptions once{.command_id = std::string("open-") + owner};
        if (!accounts.execute(owner, bank::Open{owner}, once)) {
            return fail("an account cannot be opened");
        }
    }
    const auto paid = accounts.execute("ann", bank::Deposit{100'000, "cash"}, {.command_id = "1"});
    const auto again = accounts.execute("ann", bank::Deposit{100'000, "cash"}, {.command_id = "1"});
    if (!paid || !again || !again->receipt->repeated) {
        return fail("a repeated command was carried out twice");
    }
    if (const int failed = race(accounts); failed != 0) {
        return fail(std::to_string(failed) + " transfers failed");
    }
    const auto ann = accounts.load("ann");
    const auto bob = accounts.load("bob");
    const auto before = accounts.load_at("ann", paid->receipt->version);
    if (!ann || !bob || !before) {
        return fail("an account cannot be loaded");
    }
    if (!bus_works(accounts)) {
        return fail("the bus does not do what it should");
    }
    const auto stats = accounts.stats();
    std::printf("ann had %lld cents at version %llu, and has %lld at version %llu\n",
                static_cast<long long>(before->state.cents),
                static_cast<unsigned long long>(before->version->value),
                static_cast<long long>(ann->state.cents),
                static_cast<unsigned long long>(ann->version->value));
    std::printf("bob has %lld; %llu conflicts were decided again\n",
                static_cast<long long>(bob->state.cents),
                static_cast<unsigned long long>(stats.conflicts));
    const std::int64_t moved = std::int64_t{10} * kTellers * kTransfers;
    return ann->state.cents == 100'000 - moved && bob->state.cents == moved
               ? 0
               : fail("the sums are wrong");
}

}  // namespace

int main(int argc, char** argv) {
    return run(argc > 1 ? argv[1] : "bank-data");
}
