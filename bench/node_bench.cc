// Load on a node in this process over a socket: `node_bench DIR [seconds] [payload] [clients]
// [window] [endpoint]`. Prints the acknowledged rate of single-event appends, the replay rate of
// one subscriber, and the latency of a lone append.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "skald/client.h"
#include "skald/node.h"

namespace {

using skald::Monotonic;

Monotonic now() {
    return skald::SystemClock::instance().monotonic();
}

double seconds(Monotonic time) {
    return static_cast<double>(time.count()) / 1e9;
}

// Of all threads: clients, node and writer.
double processor_us() {
    return static_cast<double>(std::clock()) * 1e6 / CLOCKS_PER_SEC;
}

[[noreturn]] void die(const skald::Error& error) {
    fmt::print(stderr, "{}: {}\n", skald::name_of(error.code), error.message);
    std::exit(1);
}

std::unique_ptr<skald::EventStore> connect(const std::string& server) {
    skald::ClientOptions options;
    options.servers = {server};
    auto client = skald::connect(options);
    if (!client) {
        die(client.error());
    }
    return std::move(*client);
}

// Keeps `window` single-event appends in flight until the time is over.
class Publisher {
  public:
    Publisher(const std::string& server, std::string stream, std::size_t window,
              std::size_t payload)
        : store_(connect(server)), stream_(std::move(stream)), window_(window) {
        event_.type = "happened";
        event_.data.assign(payload, 'x');
    }

    std::uint64_t run(Monotonic until) {
        until_ = until;
        for (std::size_t i = 0; i < window_; ++i) {
            send();
        }
        std::unique_lock lock(mutex_);
        over_.wait(lock, [this] { return open_ == 0; });
        return done_;
    }

  private:
    void send() {
        ++open_;
        store_->append_async(skald::Append::one(stream_, event_),
                             [this](skald::Result<skald::Receipt> receipt) {
                                 if (!receipt) {
                                     die(receipt.error());
                                 }
                                 ++done_;
                                 if (done_ % 64 == 0 && now() >= until_) {
                                     stopping_ = true;
                                 }
                                 if (!stopping_) {
                                     send();
                                 }
                                 settle();
                             });
    }
    void settle() {
        if (--open_ == 0) {
            const std::lock_guard lock(mutex_);
            over_.notify_all();
        }
    }

    std::unique_ptr<skald::EventStore> store_;
    std::string stream_;
    std::size_t window_;
    skald::NewEvent event_;
    Monotonic until_{};
    std::uint64_t done_ = 0;  // of the thread of callbacks, like stopping_
    bool stopping_ = false;
    std::atomic<std::size_t> open_{0};
    std::mutex mutex_;
    std::condition_variable over_;
};

class Counter final : public skald::SubscriptionHandler {
  public:
    void on_events(const skald::Delivery& delivery) override {
        for (const skald::EventView& event : delivery.events) {
            bytes_ += event.data.size();
        }
        events_ += delivery.events.size();
    }
    void on_caught_up(const skald::CaughtUp&) override {
        const std::lock_guard lock(mutex_);
        caught_up_ = true;
        changed_.notify_all();
    }
    void on_ended(const skald::Error& reason, const skald::Position&) override { die(reason); }
    std::uint64_t wait() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return caught_up_; });
        return events_;
    }

  private:
    std::uint64_t events_ = 0;
    std::uint64_t bytes_ = 0;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool caught_up_ = false;
};

void publish(const std::string& server, std::size_t clients, std::size_t window,
             std::size_t payload, double time) {
    const double spent = processor_us();
    const Monotonic begun = now();
    const Monotonic until = begun + Monotonic(static_cast<std::int64_t>(time * 1e9));
    std::atomic<std::uint64_t> total{0};
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < clients; ++i) {
        threads.emplace_back([&, i] {
            Publisher publisher(server, fmt::format("load-{}", i), window, payload);
            total += publisher.run(until);
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    const double took = seconds(now() - begun);
    const double events = static_cast<double>(total);
    fmt::print("publish {}x{} {} B: {:.0f} events/s, {:.2f} us of processor an event\n", clients,
               window, payload, events / took, (processor_us() - spent) / events);
}

void replay(const std::string& server) {
    const auto store = connect(server);
    Counter counter;
    skald::Subscribe request;
    request.events_in_flight = 65536;
    request.bytes_in_flight = 16 << 20;
    const double spent = processor_us();
    const Monotonic begun = now();
    auto subscription = store->subscribe(request, counter);
    if (!subscription) {
        die(subscription.error());
    }
    const std::uint64_t events = counter.wait();
    fmt::print("replay of {} events: {:.0f} events/s, {:.2f} us of processor an event\n", events,
               static_cast<double>(events) / seconds(now() - begun),
               (processor_us() - spent) / static_cast<double>(events));
}

void lone_appends(const std::string& server, std::size_t payload, double time) {
    const auto store = connect(server);
    skald::NewEvent event;
    event.type = "happened";
    event.data.assign(payload, 'x');
    std::vector<std::int64_t> ns;
    const Monotonic until = now() + Monotonic(static_cast<std::int64_t>(time * 1e9));
    while (now() < until) {
        const Monotonic begun = now();
        if (auto receipt = store->append(skald::Append::one("lone", event)); !receipt) {
            die(receipt.error());
        }
        ns.push_back((now() - begun).count());
    }
    std::sort(ns.begin(), ns.end());
    fmt::print("lone append: p50 {} us, p99 {} us, {} appends\n", ns[ns.size() / 2] / 1000,
               ns[ns.size() * 99 / 100] / 1000, ns.size());
}

}  // namespace

int main(int argc, char** argv) {
    const auto argument = [&](int i, const char* otherwise) {
        return std::string(argc > i ? argv[i] : otherwise);
    };
    const std::string directory = argument(1, ".");
    const double time = std::stod(argument(2, "2"));
    const std::size_t payload = std::stoul(argument(3, "128"));
    skald::NodeOptions options;
    options.data_dir = directory;
    options.listen = {argument(6, ("ipc://" + directory + "/node.sock").c_str())};
    options.http = "127.0.0.1:0";
    auto node = skald::Node::start(options);
    if (!node) {
        die(node.error());
    }
    const std::string server = (*node)->endpoints()[0];
    fmt::print("node on {}, http {}\n", server, (*node)->http_endpoint());
    publish(server, std::stoul(argument(4, "4")), std::stoul(argument(5, "1024")), payload, time);
    replay(server);
    lone_appends(server, payload, time);
    (*node)->stop();
}
