// An event store inside the process: append with optimistic concurrency, read back, rebuild a state,
// follow what comes.
#include <cstdio>
#include <future>
#include <string>

#include "skald/store.h"

namespace {

// The state that an account's events add up to.
long balance_of(const skald::Page& page) {
    long balance = 0;
    for (const skald::EventView& event : page.events) {
        const long amount = std::stol(std::string(event.data));
        balance += event.type == "Deposited" ? amount : -amount;
    }
    return balance;
}

class Printer final : public skald::SubscriptionHandler {
  public:
    void on_events(const skald::Delivery& delivery) override {
        for (const skald::EventView& event : delivery.events) {
            std::printf("  %.*s@%llu %.*s %.*s\n", static_cast<int>(event.stream.size()),
                        event.stream.data(), static_cast<unsigned long long>(event.version.value),
                        static_cast<int>(event.type.size()), event.type.data(),
                        static_cast<int>(event.data.size()), event.data.data());
        }
    }
    void on_caught_up(const skald::CaughtUp&) override { caught_up_.set_value(); }
    void on_ended(const skald::Error& reason, const skald::Position&) override {
        std::fprintf(stderr, "the subscription ended: %s\n", reason.message.c_str());
    }
    void wait() { caught_up_.get_future().wait(); }

  private:
    std::promise<void> caught_up_;
};

skald::NewEvent event(std::string type, long amount) {
    skald::NewEvent made;
    made.type = std::move(type);
    made.data = std::to_string(amount);
    return made;
}

int fail(const skald::Error& error) {
    std::fprintf(stderr, "embedded: %s\n", error.message.c_str());
    return skald::exit_status_of(error.code);
}

int run(const std::string& directory) {
    auto store = skald::open_store(directory);
    if (!store) {
        return fail(store.error());
    }
    // What is acknowledged here is on the disk.
    auto receipt = (*store)->append(skald::Append::many(
        "account-7", {event("Deposited", 100), event("Withdrawn", 30)}));
    if (!receipt) {
        return fail(receipt.error());
    }
    skald::Read read;
    read.selection = skald::Selection::stream("account-7");
    auto page = (*store)->read(read);
    if (!page) {
        return fail(page.error());
    }
    std::printf("the balance is %ld\n", balance_of(*page));

    // Decided on a version that is no longer the last: refused, and it says what it found.
    auto stale = (*store)->append(skald::Append::one("account-7", event("Withdrawn", 70),
                                                     skald::Expected::no_stream()));
    std::printf("a stale decision: %s\n", stale ? "accepted" : stale.error().message.c_str());

    Printer printer;
    skald::Subscribe subscribe;
    subscribe.selection = skald::Selection::category("account");
    auto subscription = (*store)->subscribe(subscribe, printer);
    if (!subscription) {
        return fail(subscription.error());
    }
    std::printf("everything about accounts:\n");
    printer.wait();
    return stale ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
    return run(argc > 1 ? argv[1] : "embedded-data");
}
