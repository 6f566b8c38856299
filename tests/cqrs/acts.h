// Events that change rows in every way, and all that is stored after they were projected with so
// many lanes.
#pragma once

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "cqrs/model_core.h"
#include "skald/cqrs/projection.h"
#include "skald/testing.h"
#include "tests/temp_directory.h"

namespace skald::cqrs {

// What one event does, in the order of the fields. Its stream is named after `id`.
struct Act {
    std::uint64_t id = 0;
    std::uint64_t reads = 0;          // the row whose group is added to its own, besides 1
    std::uint64_t becomes = 0;        // the id its row has afterwards
    std::optional<std::string> only;  // what its row holds alone, if anything
    bool erases = false;              // its row
    bool effects = false;             // tells its place afterwards
    bool fails = false;               // having done all that
    std::uint64_t text = 0;           // bytes of its row's text
    static auto describe() {
        return event<Act>("Act", 1)
            .field("id", &Act::id)
            .field("reads", &Act::reads)
            .field("becomes", &Act::becomes)
            .field("only", &Act::only)
            .field("erases", &Act::erases)
            .field("effects", &Act::effects)
            .field("fails", &Act::fails)
            .field("text", &Act::text);
    }
};

struct Actor {
    std::uint64_t id = 0;
    std::int64_t group = 0;
    std::optional<std::string> only;
    std::string text;
    static auto describe() {
        return record<Actor>("Actor")
            .field("id", &Actor::id)
            .field("group", &Actor::group)
            .field("only", &Actor::only)
            .field("text", &Actor::text);
    }
};

inline Act act(std::uint64_t id) {
    Act own;
    own.id = own.reads = own.becomes = id;
    return own;
}

// A log of them, as deliveries have them.
class ActsLog {
  public:
    explicit ActsLog(const std::vector<Act>& acts, std::uint16_t partitions = 1)
        : store_(make_memory_store({partitions})) {
        for (const Act& each : acts) {
            auto event = to_new_event(each);
            REQUIRE(event);
            REQUIRE(store_->append(Append::one("act-" + std::to_string(each.id), *event)));
        }
        Read read;
        read.limit = 4096;
        auto page = store_->read(read);
        REQUIRE(page);
        REQUIRE(page->events.size() == acts.size());
        page_ = std::move(*page);
    }
    std::span<const EventView> events() const { return page_.events; }

  private:
    std::unique_ptr<EventStore> store_;
    Page page_;
};

struct ActsOutcome {
    std::vector<std::string> entries;  // of every database of the version
    std::string position;
    std::uint64_t events = 0;
    std::vector<std::uint64_t> effects;  // offsets
    std::string failure;
    bool operator==(const ActsOutcome&) const = default;
};

// A read model of acts whose projector has so many lanes.
class ActsModel {
  public:
    explicit ActsModel(unsigned lanes, std::function<std::string(const EventView&)> key = {});

    // From an empty model on, in deliveries of so many events, the last having the rest; two are
    // committed together. Ends at the first failure.
    ActsOutcome project(std::span<const EventView> events, const std::vector<std::size_t>& sizes,
                        const Poison& poison = {});
    std::uint64_t reruns() const { return version_->progress.status().reruns; }
    // Events handled by other threads than the caller of project().
    std::uint64_t elsewhere() const { return elsewhere_; }

  private:
    AnyProjection acts(unsigned lanes, std::function<std::string(const EventView&)> key);
    void apply(Rows<Actor>& rows, const Act& act, const EventView& at);
    std::vector<std::string> entries() const;

    const std::thread::id caller_ = std::this_thread::get_id();
    std::atomic<std::uint64_t> elsewhere_ = 0;
    std::vector<std::uint64_t> effects_;
    TempDirectory directory_;
    std::unique_ptr<ReadModel> model_;
    AnyProjection projection_;
    std::shared_ptr<ModelVersion> version_;
    std::uint64_t term_ = 0;
};

}  // namespace skald::cqrs
