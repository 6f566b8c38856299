#include "tests/cli/harness.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <sstream>

#include "cli/commands/commands.h"
#include "tests/forwarding_store.h"

namespace skald::cli {

Harness::Harness() {
    backends.open = [this](const std::string& directory,
                           const StoreOptions& options) -> Result<std::unique_ptr<EventStore>> {
        if (!options.create && !stores_.contains(directory)) {
            return Error(Errc::not_found, directory + ": no log here");
        }
        return std::unique_ptr<EventStore>(std::make_unique<ForwardingStore>(store(directory)));
    };
    backends.connect = [this](const ClientOptions& options) {
        connected_with = options;
        if (const auto served = stores_.find(options.servers.at(0)); served != stores_.end()) {
            return Result<std::unique_ptr<EventStore>>(
                std::make_unique<ForwardingStore>(*served->second));
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
    const StopSignal own_stop = StopSignal::create().value();
    std::optional<SignalGuard> signals;
    if (handle_signals) {
        signals.emplace(own_stop);
    }
    Console console{.in = source,
                    .out = out,
                    .err = err,
                    .out_is_terminal = out_is_terminal,
                    .err_is_terminal = false,
                    .environment = environment,
                    .clock = clock,
                    .stop = stop == nullptr ? own_stop : *stop};
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
