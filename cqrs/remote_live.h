// The asker's end of a live query over a node: begins it, polls it, and begins it anew when whoever
// served it is gone. Rule P10: what is told is a snapshot and all deltas behind it, or a resync.
//
// What is not answered is asked again after a pause, with the same number, so that a lost answer is
// given once more. A place that nobody serves any more is lost: that is told as a resync, and the
// query is begun anew where the model is served then, not older than what was told if the rows get
// there within limits::kLiveAnewWait. After
// limits::kLiveAttemptsMax attempts without an answer it ends with the last error; with any other
// error at once.
//
// Threads: as LiveSource.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "cqrs/live_messages.h"
#include "skald/services.h"

namespace skald::cqrs {

// What a live query does to the world.
class LiveLink {
  public:
    virtual ~LiveLink() = default;
    // not_ready when nobody serves.
    virtual Result<LiveOpened> open(const OpenLive& message) = 0;
    virtual Result<LiveAnswer> poll(const std::string& service, const PollLive& message) = 0;
    // Says so, and does not wait.
    virtual void close(const std::string& service) = 0;
    virtual void pause(std::chrono::milliseconds length) = 0;
    virtual Monotonic now() const = 0;
    // Any thread: what waits ends at once, now and from then on.
    virtual void stop() = 0;
};

// Over services, which outlive it. `time`: of each request, besides what it is to wait.
std::unique_ptr<LiveLink> live_link(Services& services, std::string model,
                                    std::chrono::milliseconds time);

class RemoteLive final : public LiveSource {
  public:
    // `message` was answered with `opened`.
    RemoteLive(std::unique_ptr<LiveLink> link, OpenLive message, LiveOpened opened);
    ~RemoteLive() override;

    LiveNext next(std::chrono::milliseconds wait) override;
    void stop() override { link_->stop(); }
    std::size_t held() const override { return held_; }

  private:
    // What the parts say that came, one after the other.
    std::optional<LiveNext> told();  // nullopt: none is whole
    std::optional<LiveNext> tell(LivePart part);
    std::optional<LiveNext> tell_rows(LivePart& part);
    LiveNext open();
    LiveNext poll(std::chrono::milliseconds wait);
    LiveNext accept(LiveAnswer answer);
    std::vector<LiveChange> take_rows();
    LiveNext failed(const Error& error);
    LiveNext lost(const Error& error, bool late);

    const std::unique_ptr<LiveLink> link_;
    OpenLive message_;
    std::optional<std::string> service_;  // none: lost
    std::uint64_t received_ = 0;
    Monotonic answered_{};   // when the last answer came, if any did
    unsigned attempts_ = 0;  // without an answer
    Monotonic pause_until_{};
    std::deque<LivePart> parts_;
    std::vector<LiveChange> rows_;       // of parts that are to go on
    std::atomic<std::size_t> held_ = 0;  // by both
    bool follows_ = false;               // a snapshot was told, and no resync since
    std::optional<Position> position_;   // told last
};

}  // namespace skald::cqrs
