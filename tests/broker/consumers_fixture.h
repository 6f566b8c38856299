// Consumers of a node and their members, for tests.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "skald/consumers.h"
#include "tests/await.h"
#include "tests/broker/services_fixture.h"

namespace skald {

inline std::unique_ptr<Consumers> consumers_of(const Node& node) {
    ClientOptions options;
    options.servers = node.endpoints();
    auto consumers = connect_consumers(options);
    INFO((consumers ? std::string() : consumers.error().message));
    REQUIRE(consumers);
    return std::move(*consumers);
}

inline ConsumerSettings settings_of(std::string name, ConsumerMode mode = ConsumerMode::shared) {
    ConsumerSettings settings;
    settings.name = std::move(name);
    settings.mode = mode;
    settings.backoff = {1ms, 1, 1ms, 0};
    return settings;
}

inline void publish(EventStore& store, const std::string& stream, int count) {
    std::vector<NewEvent> events(static_cast<std::size_t>(count));
    for (NewEvent& event : events) {
        event.type = "made";
        event.data = "{}";
    }
    REQUIRE(store.append(Append::many(stream, events)));
}

// What members were given, to be waited for.
class Seen {
  public:
    int add(const EventView& event) {
        const std::lock_guard lock(mutex_);
        order_.emplace_back(event.stream, event.version.value);
        changed_.notify_all();
        return ++counts_[event.offset.value];
    }
    void wait_for(std::size_t events) {
        std::unique_lock lock(mutex_);
        REQUIRE(changed_.wait_for(lock, 60s, [&] { return counts_.size() >= events; }));
    }
    std::map<std::uint64_t, int> counts() {
        const std::lock_guard lock(mutex_);
        return counts_;
    }
    std::vector<std::uint64_t> versions_of(const std::string& stream) {
        const std::lock_guard lock(mutex_);
        std::vector<std::uint64_t> versions;
        for (const auto& [name, version] : order_) {
            if (name == stream) {
                versions.push_back(version);
            }
        }
        return versions;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::uint64_t, int> counts_;
    std::vector<std::pair<std::string, std::uint64_t>> order_;
};

inline WorkHandler acknowledges(Seen& seen) {
    return [&seen](const Work& work) {
        seen.add(work.event);
        return AckWork{};
    };
}

inline std::unique_ptr<Member> join(Consumers& consumers, const std::string& name,
                                    WorkHandler handler) {
    auto member = consumers.join(name, std::move(handler));
    INFO((member ? std::string() : member.error().message));
    REQUIRE(member);
    return std::move(*member);
}

}  // namespace skald
