// A projector's thread and its subscription. The thread acquires the lease, subscribes, and waits
// for the end of that; events are applied on the store's delivery thread.
//
// Threads: any. Handlers of SubscriptionHandler are the store's to call.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cqrs/applier.h"
#include "cqrs/position_order.h"
#include "skald/cqrs/projector.h"

namespace skald::cqrs {

class ProjectorRun final : public SubscriptionHandler {
  public:
    // The first two outlive it.
    ProjectorRun(EventStore& store, ProjectionTarget& target, ProjectorOptions options);
    ~ProjectorRun() override;
    // For good; as often as one likes.
    void stop();

    enum class Wish : std::uint8_t { none, resume, rebuild };
    void wake(Wish wish);
    bool leads() const { return term_ != 0; }
    Result<std::vector<ParkedEvent>> parked(std::string_view key) const;
    Result<Replayed> replay(std::string_view key);

    void on_events(const Delivery& delivery) override;
    void on_checkpoint(const Checkpoint& checkpoint) override;
    void on_caught_up(const CaughtUp& caught_up) override;
    void on_fell_behind(const FellBehind& fell_behind) override;
    void on_ended(const Error& reason, const Position& position) override;

  private:
    // What the thread does after a subscription.
    enum class Next : std::uint8_t { again, stop };
    // Of one event, for the policy that tries again.
    struct Attempts {
        Partition partition;
        Offset offset;
        unsigned made = 0;
    };
    struct Parked {
        ParkedEvents::Numbered event;
        Page page;  // of the log, with the event in it
    };

    void run();
    // One subscription, from the lease to its end.
    Next once();
    Result<void> hold_lease();
    void give_lease();
    Result<std::unique_ptr<Subscription>> subscribe();
    Next answer(const Failure& failure);
    Next try_again_later(const Error& error);
    Next try_event_again(const Failure& failure);
    void tell(ModelState state, std::optional<Error> error = {});
    void pause(std::chrono::milliseconds length);
    Result<void> reset(const Position& muted_until);
    Wish take_wish();
    void stand_still();
    void close(Failure failure);  // with mutex_, like the next two
    bool taking();
    void commit_if(bool wanted, bool complete);

    Result<std::vector<Parked>> read_parked(std::string_view key) const;
    // False when one failed again.
    Result<bool> replay_some(const std::vector<Parked>& events, Replayed& replayed);

    EventStore& store_;
    ProjectionTarget& target_;
    VersionWork& version_;
    const ProjectorOptions options_;
    const std::string lease_name_;
    Lease& lease_;
    std::mutex replaying_;  // one replay at a time; taken before mutex_

    std::mutex mutex_;  // guards all below but the thread's
    std::condition_variable changed_;
    Applier applier_;
    std::optional<Failure> ended_ = Failure{};  // none while a subscription goes on
    bool live_ = false;                         // has caught up
    bool stopping_ = false;
    Wish wish_ = Wish::none;

    // Of the thread alone.
    std::atomic<std::uint64_t> term_ = 0;  // 0: without the lease. Others may read it
    std::chrono::milliseconds pause_{0};
    Attempts attempts_;
    std::thread thread_;
    std::once_flag stopped_;
};

}  // namespace skald::cqrs
