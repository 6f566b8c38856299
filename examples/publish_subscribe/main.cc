// A node, a publisher and a subscriber. With an endpoint as its argument it uses that node; without
// one it starts a node of its own in this process.
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>

#include "skald/client.h"
#include "skald/node.h"

namespace {

constexpr int kEvents = 10;

class Counter final : public skald::SubscriptionHandler {
  public:
    void on_events(const skald::Delivery& delivery) override {
        for (const skald::EventView& event : delivery.events) {
            std::printf("received %.*s from %.*s\n", static_cast<int>(event.type.size()),
                        event.type.data(), static_cast<int>(event.stream.size()),
                        event.stream.data());
        }
        const std::scoped_lock lock(mutex_);
        received_ += static_cast<int>(delivery.events.size());
        changed_.notify_all();
    }
    void on_ended(const skald::Error& reason, const skald::Position&) override {
        std::fprintf(stderr, "the subscription ended: %s\n", reason.message.c_str());
    }
    void wait_for(int count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return received_ >= count; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int received_ = 0;
};

int fail(const skald::Error& error) {
    std::fprintf(stderr, "publish_subscribe: %s\n", error.message.c_str());
    return skald::exit_status_of(error.code);
}

int talk(const std::string& endpoint) {
    skald::ClientOptions options;
    options.servers = {endpoint};
    auto publisher = skald::connect(options);
    auto subscriber = skald::connect(options);
    if (!publisher || !subscriber) {
        return fail(publisher ? subscriber.error() : publisher.error());
    }
    Counter counter;
    skald::Subscribe orders;
    orders.selection = skald::Selection::category("order");
    orders.selection.types = {"Order*"};
    orders.start = skald::End{};
    auto subscription = (*subscriber)->subscribe(orders, counter);
    if (!subscription) {
        return fail(subscription.error());
    }
    for (int i = 0; i < kEvents; ++i) {
        skald::NewEvent event;
        event.type = "OrderPlaced";
        event.data = "{\"amount\":" + std::to_string(i) + "}";
        auto receipt =
            (*publisher)->append(skald::Append::one("order-" + std::to_string(i), event));
        if (!receipt) {
            return fail(receipt.error());
        }
    }
    counter.wait_for(kEvents);
    (*subscription)->unsubscribe();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1) {
        return talk(argv[1]);
    }
    skald::NodeOptions options;
    options.data_dir = "publish-subscribe-data";
    options.listen = {"tcp://127.0.0.1:*"};
    auto node = skald::Node::start(options);
    if (!node) {
        return fail(node.error());
    }
    return talk((*node)->endpoints().front());
}
