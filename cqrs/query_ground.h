// The events that match a query, as the ground of a decision.
//
// What is read and checked is wider than the query: the events of the command itself, by a tag, so
// that a repeat is found at any age and two at once conflict; and what fail_if_exists names.
//
// Threads: one call, one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cqrs/command_loop.h"

namespace skald::cqrs {

class QueryGround final : public Ground {
  public:
    // All references outlive it. Without a command it is only read.
    QueryGround(EventStore& store, Counters& counters, UnknownEvents unknown, const Query& query,
                std::unique_ptr<AnyState> initial, const Command* command);

    // request_too_large when the query leaves no room for what is added.
    Result<void> check() const;
    std::unique_ptr<AnyState> take() { return std::move(state_); }

    AnyState& state() override { return *state_; }
    Result<void> catch_up() override;
    Result<std::optional<Receipt>> repeat() override;
    std::optional<Offset> existing() const override { return existing_; }
    Result<void> check_expected() override { return {}; }  // the append says
    Append append_of(std::vector<NewEvent> events) const override;
    std::optional<Offset> existing_in(const Error&) const override { return std::nullopt; }
    bool may_pass(const Error& refusal) const override;
    void appended(const Receipt&, std::size_t) override {}

  private:
    Result<void> fold(const EventView& event);

    EventStore& store_;
    Counters& counters_;
    const UnknownEvents unknown_;
    const Query& query_;
    std::unique_ptr<AnyState> state_;
    const Command* const command_;
    Query own_;   // the command's own events; no items: none can be known
    Query wide_;  // all that is read and checked
    Start next_ = Beginning{};
    Offset end_;  // behind what was read
    std::optional<CommandWindow::Entry> carried_out_;
    std::optional<Offset> existing_;
};

}  // namespace skald::cqrs
