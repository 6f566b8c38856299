// The well-behaved: publishers that number their events, and readers that miss none.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "skald/client.h"

namespace skald::hostile {

// A defect to be found: the reader forgets an event, or takes one twice.
enum class Seeded : std::uint8_t { nothing, lost, doubled };

// Appends numbered events to one stream, `window` at a time, until stop().
class Publisher {
  public:
    struct Plan {
        std::string stream;
        std::size_t bytes = 100;  // of an event's data
        std::size_t window = 64;  // unanswered
        std::uint64_t most = 0;   // events; 0: no end
    };
    Publisher(const std::string& endpoint, Plan plan);
    ~Publisher();

    // Takes no new ones, and waits for the answers to those that are under way.
    void stop();
    const std::string& stream() const { return plan_.stream; }
    std::uint64_t written() const;
    std::uint64_t refused() const;  // certainly not written: tried again under a new number
    // What should not happen; empty when all is well.
    std::string trouble() const;
    // By number: certainly written. The others may be, if no answer told.
    std::vector<bool> acknowledged() const;

  private:
    void run();
    void end();
    bool await_room();
    void answered(std::uint64_t number, const Result<Receipt>& receipt);

    Plan plan_;
    std::unique_ptr<EventStore> store_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<bool> acknowledged_;  // guarded by mutex_, like the next six
    std::uint64_t written_ = 0;
    std::uint64_t refused_ = 0;
    std::size_t open_ = 0;
    bool pause_ = false;
    bool stop_ = false;
    std::string trouble_;
    std::thread thread_;
};

// Follows everything and checks the publishers' streams: versions without a gap, each number once,
// nothing changed.
class Reader final : public SubscriptionHandler {
  public:
    Reader(const std::string& endpoint, const std::vector<std::string>& streams, Seeded seeded);
    ~Reader() override;

    // Until the stream's event number `events`, counted from 1, came. False when no more come for a
    // minute.
    bool await(const std::string& stream, std::uint64_t events);
    // What is missing of what was acknowledged, and whatever else was wrong.
    std::vector<std::string> complaints(const std::string& stream,
                                        const std::vector<bool>& acknowledged) const;

    void on_events(const Delivery& delivery) override;
    void on_ended(const Error& reason, const Position& position) override;

  private:
    struct Seen {
        std::string stream;
        std::uint64_t next_version = 0;
        std::vector<bool> numbers;
        std::vector<std::string> wrong;  // the first few
    };
    void look(Seen& seen, const EventView& event);
    Seen* find(std::string_view stream);

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Seen> seen_;  // guarded by mutex_, like the next three
    std::optional<std::uint64_t> offset_;
    std::string trouble_;
    std::uint64_t all_ = 0;
    Seeded seeded_;
    std::unique_ptr<EventStore> store_;
    std::unique_ptr<Subscription> subscription_;
};

}  // namespace skald::hostile
