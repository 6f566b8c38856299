// One command carried out: decided on what is known, appended on condition that it still holds, and
// after a conflict decided again on what came meanwhile (rules A2, A3). What a command is decided
// on is its ground: the stream of an aggregate, or the events that match a query.
//
// Threads: any may use one CommandLoop; a ground belongs to its call.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cqrs/counters.h"
#include "cqrs/pause.h"
#include "skald/cqrs/aggregate_store.h"
#include "skald/event_store.h"

namespace skald::cqrs {

struct Command {
    const std::string& stream;
    const ExecuteOptions& options;
    Uuid key;  // what its ids are derived from
    Time now;

    bool named() const { return !options.command_id.empty(); }
};

// Refused on what the log holds, and so certainly not written, now or before.
bool is_conflict(const Error& error);

class Ground {
  public:
    virtual ~Ground() = default;
    virtual AnyState& state() = 0;
    // Folds in what came since the last look.
    virtual Result<void> catch_up() = 0;
    // Whether what was read shows the command carried out, and then its first receipt.
    virtual Result<std::optional<Receipt>> repeat() = 0;
    // An event that was read and should not exist (ExecuteOptions::fail_if_exists).
    virtual std::optional<Offset> existing() const { return std::nullopt; }
    // wrong_expected_version when it is known by now that the caller's expectation does not hold.
    virtual Result<void> check_expected() = 0;
    virtual Append append_of(std::vector<NewEvent> events) const = 0;
    // What a refusal says of an event that should not exist.
    virtual std::optional<Offset> existing_in(const Error& refusal) const = 0;
    // The refused append made anew, when what refused it can be read by nobody, so that the same
    // would be decided again.
    virtual std::optional<Append> behind_hidden(Append /*refused*/, const Error& /*refusal*/) {
        return std::nullopt;
    }
    // Whether reading again can make the refused append possible.
    virtual bool may_pass(const Error& refusal) const = 0;
    // The events decided last were appended and the state has them.
    virtual void appended(const Receipt& receipt, std::size_t events) = 0;
};

struct CarriedOut {
    std::optional<Receipt> receipt;
    std::optional<Offset> exists;
    unsigned attempts = 0;
};

class CommandLoop {
  public:
    // All outlive it.
    CommandLoop(EventStore& store, const Pause& pause, Counters& counters)
        : store_(store), pause_(pause), counters_(counters) {}

    // The key of a command without an id is drawn.
    Command command(const std::string& stream, const ExecuteOptions& options) const;
    Result<CarriedOut> carry_out(const Command& command, AnyDecider& decider, Ground& ground) const;
    // Idempotent, so that it is sent again while nobody knows what became of it. From then on only
    // a receipt or a conflict tells: a refusal is about the request that was sent last.
    Result<Receipt> send(const Append& append) const;

  private:
    // False after a conflict that may be tried again.
    Result<bool> attempt(const Command& command, AnyDecider& decider, Ground& ground,
                         CarriedOut& done) const;
    bool decides_again(const Error& error, const Ground& ground, const CarriedOut& done) const;
    Result<bool> refused(const Error& error, Ground& ground, CarriedOut& done) const;
    Result<bool> find_repeat(Ground& ground, CarriedOut& done) const;

    EventStore& store_;
    const Pause& pause_;
    Counters& counters_;
};

}  // namespace skald::cqrs
