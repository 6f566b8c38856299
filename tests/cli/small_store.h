// An event store in memory, as much of one as the commands need: one partition, no producers.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "skald/event_store.h"

namespace skald::cli {

class SmallStore final : public EventStore {
  public:
    Result<Receipt> append(const Append& request) override;
    void append_async(const Append& request, AppendCallback done) override;
    // To its subscriptions that asked for such and are caught up.
    Result<Uuid> publish_ephemeral(std::string_view stream, NewEvent event) override;
    Result<Page> read(const Read& request) override;
    Result<std::unique_ptr<Subscription>> subscribe(const Subscribe& request,
                                                    SubscriptionHandler& handler) override;
    Result<StreamInfo> stream_info(std::string_view stream) override;
    Result<StreamList> list_streams(std::string_view glob, std::string_view after,
                                    std::uint32_t limit) override;
    Result<Receipt> change_stream(const Lifecycle& request) override;
    Result<std::optional<Snapshot>> get_snapshot(std::string_view) override {
        return std::optional<Snapshot>();
    }
    Result<void> put_snapshot(std::string_view, const Snapshot&) override { return {}; }
    Result<Position> position() override;

    // The next append of this stream is answered so.
    void fail_next(std::string stream, Error error);
    // Answers wait until the next append, or until released: outcomes come late and out of turn.
    void hold_answers(bool hold);
    // Until a subscription is caught up.
    void wait_until_followed();
    // Tells its subscriptions that so many ephemeral events were dropped.
    void drop_ephemeral(std::uint64_t events);
    // A subscription ends so once it is caught up.
    void end_subscriptions(Error error) { end_subscriptions_ = std::move(error); }
    std::size_t events() const;

  private:
    struct Stored {
        std::string stream;
        std::string type;
        std::string record;
        EventView view;
    };
    struct Stream {
        std::vector<const Stored*> events;
        StreamInfo info;
    };
    class Feed;

    Result<Receipt> append_locked(const Append& request);
    Result<void> check(const StreamAppend& part);
    void tell_ephemeral(const std::function<void(Feed&)>& tell);
    const Stored& store(const std::string& stream, const NewEvent& event, bool control);
    Receipt receipt_of(const Stored& stored, bool repeated) const;
    Position position_at(std::uint64_t next) const;
    bool visible(const Stored& stored, const Selection& selection) const;

    mutable std::mutex mutex_;
    std::condition_variable grown_;
    std::deque<Stored> log_;  // guarded by mutex_, like all below
    std::map<std::string, Stream, std::less<>> streams_;
    std::map<Uuid, const Stored*> ids_;
    std::set<Feed*> feeds_;
    std::map<std::string, Error> failures_;
    std::optional<Error> end_subscriptions_;
    bool hold_ = false;
    std::vector<std::pair<AppendCallback, Result<Receipt>>> held_;
};

}  // namespace skald::cli
