// The stream of a queue, for the consumer that works it off: how much of it is not done, and that
// what is done goes from the log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "skald/consumers.h"
#include "store/volume.h"

namespace skald::broker {

// One thread at a time.
class QueueKeeper {
  public:
    using Amount = store::QueueGate::Amount;
    struct Parts {
        store::Volume& volume;
        store::AppendListener& listener;  // gets what becomes of removals
        std::uint64_t tag = 0;            // with this
    };
    // `held`: while nothing is appended to the stream.
    QueueKeeper(Parts parts, std::string stream, const QueueSettings& settings, Amount held);
    ~QueueKeeper();  // what is under way must be over
    QueueKeeper(const QueueKeeper&) = delete;
    QueueKeeper& operator=(const QueueKeeper&) = delete;

    void set(const QueueSettings& settings);
    // The stream takes anything from now on, and may be another's queue.
    void close();
    Amount held() const;
    // They are done, and the log says so.
    void left(Amount gone);
    bool drops() const { return settings_.when_full == WhenFull::drop_oldest; }
    // What is to be dropped, when so much is done already and the log does not say so yet.
    Amount over(Amount done) const;

    // When enough is done, or long enough ago: then plan().
    std::optional<Monotonic> next_removal() const;
    // What to remove once begin() is called; the log must say then that it is done.
    void plan(store::Removal removal, Monotonic now);
    void begin();
    void written(const Result<store::AppendOutcome>& outcome);
    bool idle() const { return !view_; }

  private:
    static store::QueueGate::Rules rules(const QueueSettings& settings);

    const Parts parts_;
    const std::string stream_;
    QueueSettings settings_;
    std::uint64_t removable_ = 0;  // done since the last plan
    Monotonic removed_{};          // the time of it
    bool closed_ = false;
    std::optional<store::Removal> planned_;
    std::string bytes_;  // of the removal under way, and what points there
    std::optional<wire::RequestView> view_;
};

}  // namespace skald::broker
