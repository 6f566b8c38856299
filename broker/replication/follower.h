// A replica that copies the log of its primary (rules R2, R10), and says when it would take over.
#pragma once

#include "broker/replication/standing.h"

namespace skald::broker::replication {

// Of one primary in one epoch. One fetch at a time; what it brought is durable before the next.
class Follower {
  public:
    Follower(Standing& standing, const Turn& turn);
    bool follows(const PartitionConfig& config) const {
        return config.primary == primary_ && config.epoch == epoch_;
    }

    // What must not be is said in words: the replica is to be halted.
    std::optional<std::string> on_answer(const Message& message, const FetchAnswer& answer,
                                         Standing& standing, const Turn& turn);
    void log_changed(Standing& standing, const Turn& turn);
    void tick(Standing& standing, const Turn& turn);
    // It is in sync, its primary seems dead, and it is its turn to claim its place.
    bool would_claim(const Standing& standing, const Turn& turn) const;

  private:
    void ask(Standing& standing, const Turn& turn);
    std::optional<std::string> part(const EpochEnd& theirs, const Standing& standing,
                                    const Turn& turn);
    void take(const FetchAnswer& answer, const Turn& turn);

    Uuid primary_;
    Epoch epoch_;
    bool changing_ = false;        // the log, as was asked of the shell
    Offset committed_;             // as the primary told with what is stored now
    std::uint64_t asked_for_ = 0;  // the number of the fetch that waits
    std::uint64_t round_ = 0;
    Monotonic asked_{};
    Monotonic heard_{};
};

}  // namespace skald::broker::replication
