// Where a version stands now, for those who wait for it or ask. What is committed is in the
// catalogue; this also knows how far nothing that follows matters to the rows.
//
// Threads: any.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

#include "skald/cqrs/read_model.h"

namespace skald::cqrs {

class ModelProgress {
  public:
    explicit ModelProgress(const Clock& clock) : clock_(clock) {}

    void set_state(ModelState state, std::optional<Error> error = {});
    // Whether the store knows the position: until it said so nothing counts as reached.
    void trust(bool trusted);
    void note_error(const Error& error);  // without a change of state
    void reran();                         // VersionStatus::reruns
    // The store's word on whether a position is of its log, maybe of an older lineage.
    void set_checker(std::function<Result<void>(const Position&)> checker);

    struct Committed {
        Position position;
        std::uint64_t commits = 0;
        std::uint64_t events = 0;
        std::uint64_t parked = 0;
        bool complete = false;
    };
    void committed(const Committed& now);
    void complete();
    // Nothing between the last commit and here changes a row.
    void skipped(const Position& position);

    Freshness wait(const Position& wanted, std::chrono::milliseconds most) const;
    // Until `reached` says so, asked after every step forward.
    bool wait_until(std::chrono::milliseconds most, const std::function<bool()>& reached) const;
    Position reached() const;
    // That the rows as of this commit reflect: further than `token` when later events changed none.
    Result<std::shared_ptr<const Position>> position_of(std::uint64_t commits,
                                                        const std::string& token) const;
    VersionStatus status() const;

  private:
    Freshness judged(const Position& wanted) const;
    void measure(std::uint64_t events);
    void advance(const Position& position);

    const Clock& clock_;
    mutable std::mutex mutex_;  // guards all below
    mutable std::condition_variable changed_;
    ModelState state_ = ModelState::idle;
    std::optional<Error> error_;
    bool trusted_ = true;
    std::function<Result<void>(const Position&)> checker_;
    Committed committed_;
    std::shared_ptr<const Position> reached_ = std::make_shared<Position>();
    std::uint64_t reruns_ = 0;
    double rate_ = 0;
    Monotonic measured_at_{};
    std::uint64_t measured_events_ = 0;
};

}  // namespace skald::cqrs
