#pragma once

#include <utility>

#include "skald/event_store.h"

namespace skald {

// Another store; tests override what is to go differently.
class ForwardingStore : public EventStore {
  public:
    explicit ForwardingStore(EventStore& inner) : inner_(inner) {}

    Result<Receipt> append(const Append& request) override { return inner_.append(request); }
    void append_async(const Append& request, AppendCallback done) override {
        inner_.append_async(request, std::move(done));
    }
    Result<Uuid> publish_ephemeral(std::string_view stream, NewEvent event) override {
        return inner_.publish_ephemeral(stream, std::move(event));
    }
    Result<Page> read(const Read& request) override { return inner_.read(request); }
    Result<std::unique_ptr<Subscription>> subscribe(const Subscribe& request,
                                                    SubscriptionHandler& handler) override {
        return inner_.subscribe(request, handler);
    }
    Result<StreamInfo> stream_info(std::string_view stream) override {
        return inner_.stream_info(stream);
    }
    Result<StreamList> list_streams(std::string_view glob, std::string_view after,
                                    std::uint32_t limit) override {
        return inner_.list_streams(glob, after, limit);
    }
    Result<Receipt> change_stream(const Lifecycle& request) override {
        return inner_.change_stream(request);
    }
    Result<std::optional<Snapshot>> get_snapshot(std::string_view stream) override {
        return inner_.get_snapshot(stream);
    }
    Result<void> put_snapshot(std::string_view stream, const Snapshot& snapshot) override {
        return inner_.put_snapshot(stream, snapshot);
    }
    Result<Position> position() override { return inner_.position(); }

  private:
    EventStore& inner_;
};

}  // namespace skald
