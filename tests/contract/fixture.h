// The small language the suite's tests are written in.
#pragma once

#include <catch2/catch.hpp>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "tests/contract/event_store_contract.h"

namespace skald::contract {

// A store under test. Streams named by own() live in one partition, whatever the store's number.
class Fixture {
  public:
    explicit Fixture(StoreFactory& factory) : factory_(factory), store_(factory.open()) {}

    EventStore& store() { return *store_; }
    StoreFactory& factory() { return factory_; }
    // False when the data ended with the store.
    bool reopen() {
        store_ = factory_.reopen(std::move(store_));
        return store_ != nullptr;
    }

    // Appends that must succeed.
    Receipt append(const std::string& stream, const std::vector<std::string>& types,
                   Expected expected = Expected::any());
    Receipt append(const Append& request);
    // The error of an append that must fail.
    Error refused(Append request);
    Receipt change(const std::string& stream, LifecycleChange change,
                   Expected expected = Expected::stream_exists());
    Error change_refused(const Lifecycle& request);

    // An ephemeral event that must go out.
    Uuid publish(const std::string& stream, NewEvent event);

    Page read(const Read& request);
    Errc read_error(const Read& request);
    // All events of the selection, page by page of `limit`, checking each page's bounds.
    std::vector<Event> read_all(const Selection& selection, Start start = Beginning{},
                                bool backward = false, std::uint32_t limit = 1000);
    // Their types: what most tests look at.
    std::vector<std::string> types(const Selection& selection, Start start = Beginning{},
                                   bool backward = false, std::uint32_t limit = 1000);
    StreamInfo info(const std::string& stream);
    Position position();

  private:
    StoreFactory& factory_;
    std::unique_ptr<EventStore> store_;
};

std::string own(const std::string& name);  // `name-{7}`

NewEvent event(std::string type, std::string data = "");
NewEvent event_with_id(std::string type, std::uint8_t id);
Uuid uuid(std::uint8_t id);
std::vector<NewEvent> events(const std::vector<std::string>& types);
Append append_of(const std::string& stream, const std::vector<std::string>& types,
                 Expected expected = Expected::any());
Read read_of(Selection selection, Start start = Beginning{});
Read backward(Read read);
// Two streams in different partitions; only for stores that have several.
std::pair<std::string, std::string> apart(Fixture& fixture);

using Types = std::vector<std::string>;

// Takes down what a subscription calls, and lets the test wait for it. A wait has a generous
// deadline and fails the test when it passes.
class Recorder final : public SubscriptionHandler {
  public:
    void on_events(const Delivery& delivery) override;
    void on_checkpoint(const Checkpoint& checkpoint) override;
    void on_caught_up(const CaughtUp& caught_up) override;
    void on_ephemeral(const EventView& event) override;
    void on_dropped(std::uint64_t events) override;
    void on_ended(const Error& reason, const Position& position) override;

    // Runs inside on_events, before the events are taken down.
    std::function<void(const Delivery&)> during;
    // The same inside on_ephemeral.
    std::function<void(const EventView&)> during_ephemeral;
    // Runs at the end of on_ended.
    std::function<void()> at_end;

    void wait_for_events(std::size_t count);
    // Ephemeral ones, and those of them that were dropped.
    void wait_for_ephemeral(std::size_t count);
    void wait_until_caught_up();
    void wait_until_behind(const Position& position);  // or at it
    void wait_until_ended();

    std::vector<Event> events() const;
    std::vector<std::string> types() const;
    std::vector<Event> ephemeral() const;
    std::vector<std::string> ephemeral_types() const;
    std::uint64_t dropped() const;
    std::vector<Position> positions() const;  // of deliveries
    std::size_t checkpoints() const;
    std::optional<Error> ended() const;
    std::optional<Position> ended_at() const;

  private:
    void wait(const char* what, const std::function<bool()>& reached);

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Event> events_;  // guarded by mutex_, like all below
    std::vector<Event> ephemeral_;
    std::uint64_t dropped_ = 0;
    std::vector<Position> positions_;
    Position newest_;
    std::size_t checkpoints_ = 0;
    std::size_t caught_up_ = 0;
    std::optional<Error> ended_;
    std::optional<Position> ended_at_;
};

std::unique_ptr<Subscription> subscribe(Fixture& fixture, Recorder& recorder, Selection selection,
                                        Start start = Beginning{});

struct Test {
    const char* name;
    void (*run)(Fixture& fixture);
};
std::span<const Test> append_tests();
std::span<const Test> condition_tests();
std::span<const Test> repeat_tests();
std::span<const Test> read_tests();
std::span<const Test> partition_tests();
std::span<const Test> lifecycle_tests();
std::span<const Test> stream_tests();
std::span<const Test> subscription_tests();
std::span<const Test> limit_tests();
std::span<const Test> ephemeral_tests();

}  // namespace skald::contract
