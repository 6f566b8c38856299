// What the tests of a repository share.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <utility>

#include "skald/cqrs/repository.h"
#include "tests/cqrs/stores.h"

namespace skald::cqrs {

// Never sleeps, and follows the world's clock.
inline RepositoryOptions quiet(World& world) {
    RepositoryOptions options;
    options.category = "account";
    options.clock = &world.clock();
    options.wait = [](std::chrono::microseconds) {};
    return options;
}

// A command that no store's error may stop.
template <typename State, typename Command>
Outcome<State> must(Repository<State>& repository, const std::string& id, const Command& command,
                    const ExecuteOptions& options = {}) {
    auto done = repository.execute(id, command, options);
    INFO((done ? "" : done.error().message));
    REQUIRE(done);
    return std::move(*done);
}

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

}  // namespace skald::cqrs
