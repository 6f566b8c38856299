#include "tests/cli/harness.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <sstream>

#include "cli/commands/commands.h"

namespace skald::cli {
namespace {

// A store that somebody else owns.
class Borrowed final : public EventStore {
  public:
    explicit Borrowed(EventStore& store) : store_(store) {}

    Result<Receipt> append(const Append& request) override { return store_.append(request); }
    void append_async(const Append& request, AppendCallback done) override {
        store_.append_async(request, std::move(done));
    }
    Result<Uuid> publish_ephemeral(std::string_view stream, NewEvent event) override {
        return store_.publish_ephemeral(stream, std::move(event));
    }
    Result<Page> read(const Read& request) override { return store_.read(request); }
    Result<std::unique_ptr<Subscription>> subscribe(const Subscribe& request,
                                                    SubscriptionHandler& handler) override {
        return store_.subscribe(request, handler);
    }
    Result<StreamInfo> stream_info(std::string_view stream) override {
        return store_.stream_info(stream);
    }
    Result<StreamList> list_streams(std::string_view glob, std::string_view after,
                                    std::uint32_t limit) override {
        return store_.list_streams(glob, after, limit);
    }
    Result<Receipt> change_stream(const Lifecycle& request) override {
        return store_.change_stream(request);
    }
    Result<std::optional<Snapshot>> get_snapshot(std::string_view stream) override {
        return store_.get_snapshot(stream);
    }
    Result<void> put_snapshot(std::string_view stream, const Snapshot& snapshot) override {
        return store_.put_snapshot(stream, snapshot);
    }
    Result<Position> position() override { return store_.position(); }

  private:
    EventStore& store_;
};

}  // namespace

Harness::Harness() {
    backends.open = [this](const std::string& directory,
                           const StoreOptions& options) -> Result<std::unique_ptr<EventStore>> {
        if (!options.create && !stores_.contains(directory)) {
            return Error(Errc::not_found, directory + ": no log here");
        }
        return std::unique_ptr<EventStore>(std::make_unique<Borrowed>(store(directory)));
    };
    backends.connect = [this](const ClientOptions& options) {
        connected_with = options;
        if (const auto served = stores_.find(options.servers.at(0)); served != stores_.end()) {
            return Result<std::unique_ptr<EventStore>>(std::make_unique<Borrowed>(*served->second));
        }
        return Result<std::unique_ptr<EventStore>>(
            Error(Errc::unreachable, options.servers.at(0) + ": nobody answers"));
    };
}

SmallStore& Harness::store(const std::string& name) {
    auto& store = stores_[name];
    if (!store) {
        store = std::make_unique<SmallStore>();
    }
    return *store;
}

Ran Harness::run(std::vector<std::string> words, std::string input) {
    MemorySource source(std::move(input));
    std::ostringstream out;
    std::ostringstream err;
    const StopSignal stop = StopSignal::create().value();
    std::optional<SignalGuard> signals;
    if (handle_signals) {
        signals.emplace(stop);
    }
    Console console{.in = source,
                    .out = out,
                    .err = err,
                    .out_is_terminal = out_is_terminal,
                    .err_is_terminal = false,
                    .environment = environment,
                    .clock = clock,
                    .stop = stop};
    const int status = run_program(words, console, backends, all_commands());
    return {status, out.str(), err.str()};
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
        lines.push_back(line);
    }
    return lines;
}

}  // namespace skald::cli
