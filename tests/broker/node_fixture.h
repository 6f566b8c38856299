// A node of a test, its clients, and a subscription that takes down what it is told.
#pragma once

#include <catch2/catch.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "skald/client.h"
#include "skald/node.h"
#include "tests/temp_directory.h"

namespace skald {

using namespace std::chrono_literals;

inline NodeOptions options_of(const TempDirectory& directory,
                              const std::string& transport = "ipc") {
    NodeOptions options;
    options.data_dir = directory.path() + "/data";
    options.map_bytes = std::size_t{1} << 30;
    options.listen = {transport + "://" + directory.path() + "/node"};
    return options;
}

inline std::unique_ptr<Node> start(const NodeOptions& options) {
    auto node = Node::start(options);
    INFO((node ? std::string() : node.error().message));
    REQUIRE(node);
    return std::move(*node);
}

inline std::unique_ptr<EventStore> connect_to(const Node& node) {
    ClientOptions options;
    options.servers = node.endpoints();
    auto client = connect(options);
    INFO((client ? std::string() : client.error().message));
    REQUIRE(client);
    return std::move(*client);
}

inline NewEvent event(std::string data) {
    NewEvent event;
    event.type = "happened";
    event.data = std::move(data);
    return event;
}

// Collects what a subscription is told, and lets a test wait for it.
class Listener final : public SubscriptionHandler {
  public:
    void on_events(const Delivery& delivery) override {
        const std::lock_guard lock(mutex_);
        for (const EventView& view : delivery.events) {
            data_.emplace_back(view.data);
        }
        changed_.notify_all();
        if (throws_) {
            throw std::runtime_error("on purpose");
        }
    }
    void on_ephemeral(const EventView& event) override {
        const std::lock_guard lock(mutex_);
        ephemeral_.emplace_back(event.stream);
        changed_.notify_all();
    }
    void on_dropped(std::uint64_t events) override {
        const std::lock_guard lock(mutex_);
        dropped_ += events;
    }
    void on_caught_up(const CaughtUp&) override {
        const std::lock_guard lock(mutex_);
        ++caught_up_;
        changed_.notify_all();
    }
    void on_ended(const Error& reason, const Position& position) override {
        const std::lock_guard lock(mutex_);
        ended_ = reason;
        position_ = position;
        changed_.notify_all();
    }
    bool wait_for_events(std::size_t count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 30s, [&] { return data_.size() >= count; });
    }
    bool wait_for_ephemeral(std::size_t count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 60s, [&] { return ephemeral_.size() >= count; });
    }
    // Their streams.
    std::vector<std::string> ephemeral() {
        const std::lock_guard lock(mutex_);
        return ephemeral_;
    }
    std::uint64_t dropped() {
        const std::lock_guard lock(mutex_);
        return dropped_;
    }
    bool wait_until_caught_up() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 30s, [&] { return caught_up_ != 0; });
    }
    std::optional<Error> wait_for_end() {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, 30s, [&] { return ended_.has_value(); });
        return ended_;
    }
    std::vector<std::string> data() {
        const std::lock_guard lock(mutex_);
        return data_;
    }
    bool throws_ = false;
    Position position_;

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> data_;
    std::vector<std::string> ephemeral_;
    std::uint64_t dropped_ = 0;
    int caught_up_ = 0;
    std::optional<Error> ended_;
};

}  // namespace skald
