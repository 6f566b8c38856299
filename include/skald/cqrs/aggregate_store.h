// What a repository does, without the types of its state: Repository<State> (repository.h) is what
// applications use.
//
// Threads: any number may use one AggregateStore. States, deciders and aggregates belong to the
// call that made them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "skald/cqrs/decider.h"
#include "skald/cqrs/options.h"
#include "skald/event_store.h"

namespace skald::cqrs {

class AnyState {
  public:
    virtual ~AnyState() = default;
    virtual std::unique_ptr<AnyState> copy() const = 0;
    virtual Result<void> apply(const EventView& event, UnknownEvents unknown) = 0;
    // For snapshots; false when the state has no description.
    virtual bool described() const = 0;
    virtual Result<std::string> encode() const = 0;
    virtual Result<void> decode(std::string_view bytes) = 0;
};

// One command on its way: keeps what it decided last.
class AnyDecider {
  public:
    virtual ~AnyDecider() = default;
    // The events to append; none when rejected or when nothing is to be stored.
    virtual Result<std::vector<NewEvent>> decide(const AnyState& state, const Context& context) = 0;
    // Applies what was decided last.
    virtual void evolve(AnyState& state) const = 0;
};

struct StateKind {
    std::function<std::unique_ptr<AnyState>()> fresh;
    std::string shape;   // differs when encoded states differ; empty without a description
    std::string events;  // the names of those that are folded
    std::function<bool(const AnyState&, Version)> snapshot_if;  // may be empty
};

// The commands an aggregate remembers: keys are derived from stream and command id.
class CommandWindow {
  public:
    struct Entry {
        Uuid key;
        Version first;
        std::uint32_t events = 0;
    };
    explicit CommandWindow(std::size_t capacity = 0) : capacity_(capacity) {}

    // In the order of versions. An event of the command noted last extends it.
    void note(const Uuid& key, Version version, std::uint32_t events = 1);
    std::optional<Entry> find(const Uuid& key) const;  // the newest
    std::size_t capacity() const { return capacity_; }
    const std::vector<Entry>& entries() const { return entries_; }

  private:
    std::size_t capacity_;
    std::vector<Entry> entries_;  // oldest first
};

struct Aggregate {
    std::unique_ptr<AnyState> state;
    std::optional<Version> version;  // of the stream's last event; none: there is no stream
    Uuid last_id;                    // of that event; nil when it was not seen
    CommandWindow commands;
    std::uint64_t since_snapshot = 0;  // events folded since
};

// Of a save whose outcome is not known: the next one's as well. A copy's next save is another one.
struct SaveKey {
    std::optional<Uuid> unknown;

    SaveKey() = default;
    SaveKey(const SaveKey&) noexcept {}
    SaveKey(SaveKey&&) = default;
    SaveKey& operator=(const SaveKey& other) noexcept {
        if (this != &other) {
            unknown.reset();
        }
        return *this;
    }
    SaveKey& operator=(SaveKey&&) = default;
    ~SaveKey() = default;
};

// Where an object of class style stands: the aggregate without its state.
struct Origin {
    std::optional<Version> version;
    CommandWindow commands;
    SaveKey save_key;
};

struct Executed {
    std::optional<Receipt> receipt;  // none: rejected, nothing to store, or `exists`
    std::optional<Offset> exists;    // of an event that fail_if_exists names
    Aggregate aggregate;             // as of the receipt, or of the rejection
    unsigned attempts = 0;           // decisions made; 0: it had been carried out before
};

class AggregateStore {
  public:
    AggregateStore(EventStore& store, RepositoryOptions options, StateKind kind);
    ~AggregateStore();

    std::string stream_of(std::string_view id) const;
    Result<Aggregate> load(const std::string& stream);
    Result<Aggregate> load_at(const std::string& stream, Version version);
    Result<Aggregate> load_at(const std::string& stream, Time time);
    Result<Executed> execute(const std::string& stream, AnyDecider& decider,
                             const ExecuteOptions& options);
    // One append at the origin's version, not retried; moves the origin on when it went well. A
    // command that was carried out before gives its first receipt instead, and the origin stays:
    // load again.
    Result<Receipt> append(const std::string& stream, Origin& origin, std::vector<NewEvent> events,
                           const ExecuteOptions& options);
    RepositoryStats stats() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace skald::cqrs
