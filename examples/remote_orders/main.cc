// A read model that an application hosts and others ask for: a node, a program that projects orders
// and serves their rows, and one that writes an order and queries it. Here all three are in one
// process. Ends non-zero when an answer is wrong.
#include <chrono>
#include <cstdio>
#include <string>

#include "orders.h"
#include "skald/client.h"
#include "skald/cqrs/hosted_models.h"
#include "skald/cqrs/remote_models.h"
#include "skald/node.h"

namespace {

using namespace std::chrono_literals;
using skald::cqrs::HostedModels;
using skald::cqrs::Projector;
using skald::cqrs::ReadModel;
using skald::cqrs::RemoteModels;

int fail(const std::string& why) {
    std::fprintf(stderr, "remote_orders: %s\n", why.c_str());
    return 1;
}

// Knows of the node only: writes, and sees what it wrote.
int write_and_ask(const skald::ClientOptions& options) {
    const auto store = skald::connect(options);
    const auto services = skald::connect_services(options);
    if (!store || !services) {
        return fail("no connection");
    }
    auto placed = skald::cqrs::to_new_event(shop::Placed{"ann", 1200});
    const auto receipt = (*store)->append(skald::Append::one("order-1", std::move(*placed)));
    if (!receipt) {
        return fail(receipt.error().message);
    }
    RemoteModels models(**services);
    const auto page =
        models.query("orders", {.key = {"order-1"}, .at_least = receipt->position, .wait = 10s});
    if (!page || page->rows.size() != 1) {
        return fail(page ? "the order is not there" : page.error().message);
    }
    std::printf("%s\n", page->rows[0].c_str());
    const auto unknown = models.query("invoices", {});
    std::printf("%s\n", unknown ? "there are invoices" : unknown.error().message.c_str());
    return unknown ? 1 : 0;
}

// Projects and serves, with a client's connection as it would have elsewhere.
int host(const skald::ClientOptions& options, const std::string& directory) {
    const auto store = skald::connect(options);
    const auto services = skald::connect_services(options);
    const auto model = ReadModel::open(directory);
    if (!store || !services || !model) {
        return fail("no connection, or no directory");
    }
    const auto projector = Projector::start(**store, **model, shop::orders(1));
    if (!projector) {
        return fail(projector.error().message);
    }
    HostedModels models(**store);
    if (const auto added = models.add(**model, {projector->get()}); !added) {
        return fail(added.error().message);
    }
    const auto served = skald::cqrs::serve_models(**services, models);
    return served ? write_and_ask(options) : fail(served.error().message);
}

}  // namespace

int main(int argc, char** argv) {
    const std::string directory = argc > 1 ? argv[1] : "orders-data";
    skald::NodeOptions options;
    options.data_dir = directory + "/log";
    options.listen = {"inproc://orders"};
    const auto node = skald::Node::start(options);
    if (!node) {
        return fail(node.error().message);
    }
    skald::ClientOptions client;
    client.servers = (*node)->endpoints();
    return host(client, directory + "/orders");
}
