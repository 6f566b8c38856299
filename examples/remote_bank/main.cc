// A bank that is asked from elsewhere: a node, a program that serves the bank's bus, and one that
// sends to it. Here all three are in one process. Ends non-zero when an answer is wrong.
#include <cstdio>
#include <string>

#include "messages.h"
#include "skald/client.h"
#include "skald/cqrs/remote_bus.h"
#include "skald/node.h"

namespace {

using Accounts = skald::cqrs::Repository<bank::Account>;
using skald::cqrs::SendOptions;

int fail(const std::string& why) {
    std::fprintf(stderr, "remote_bank: %s\n", why.c_str());
    return 1;
}

int serve_and_ask(skald::Node& node, Accounts& accounts) {
    skald::ClientOptions options;
    options.servers = node.endpoints();
    const auto here = skald::connect_services(options);
    const auto there = skald::connect_services(options);
    if (!here || !there) {
        return fail("no connection");
    }
    skald::cqrs::Bus bus;
    (void)bus.handle<bank::Pay>([&](const bank::Pay& pay, const SendOptions& how) {
        return done_of(
            accounts.execute(pay.account, bank::Withdraw{pay.cents, pay.to}, execute(how)));
    });
    auto serving = skald::cqrs::serve_bus(**here, "bank", bus, {.threads = 2});
    if (!serving) {
        return fail(serving.error().message);
    }
    const skald::cqrs::RemoteBus remote(**there, "bank");
    const auto far = remote.send(bank::Pay{"ann", 10, "tea"}, {.command_id = "tea"});
    const auto again = remote.send(bank::Pay{"ann", 10, "tea"}, {.command_id = "tea"});
    const auto refused = remote.send(bank::Pay{"ann", 1'000'000, "rent"});
    if (!far || !far->receipt || !again || !again->receipt->repeated) {
        return fail("a payment went wrong");
    }
    if (!refused || !refused->rejection) {
        return fail("what is not there was paid out");
    }
    serving->reset();
    const auto nobody = remote.send(bank::Pay{"ann", 10, "tea"});
    std::printf("paid at version %llu; after that: %s\n",
                static_cast<unsigned long long>(far->receipt->version.value),
                nobody ? "paid" : nobody.error().message.c_str());
    return nobody ? fail("nobody serves, and yet it was paid") : 0;
}

}  // namespace

int main(int argc, char** argv) {
    skald::NodeOptions options;
    options.data_dir = argc > 1 ? argv[1] : "bank-data";
    options.listen = {"inproc://bank"};
    const auto node = skald::Node::start(options);
    if (!node) {
        return fail(node.error().message);
    }
    Accounts accounts((*node)->local(), {.category = "account"});
    (void)accounts.execute("ann", bank::Open{"ann"}, {.command_id = "open"});
    (void)accounts.execute("ann", bank::Deposit{100, "cash"}, {.command_id = "cash"});
    return serve_and_ask(**node, accounts);
}
