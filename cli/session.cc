#include "cli/session.h"

#include <fmt/format.h>

#include "base/endpoint.h"
#include "base/limits.h"
#include "cli/curve_keys.h"

namespace skald::cli {
namespace {

// Our own key pair: the one that is named, or a new one for a server that asks who we are not.
Result<CurveKeys> own_keys(const std::string& key_file) {
    if (key_file.empty()) {
        return make_curve_keys();
    }
    auto secret = read_secret_key(key_file);
    if (!secret) {
        return secret.error();
    }
    return key_pair_of(*secret);
}

Result<ClientOptions> client_options(const Globals& globals) {
    for (const std::string& server : globals.servers) {
        if (auto ok = check_endpoint(server); !ok) {
            return ok.error();
        }
    }
    ClientOptions options;
    options.servers = globals.servers;
    options.timeout = globals.timeout;
    options.name = "skald";
    if (globals.server_key.empty()) {
        if (!globals.key_file.empty()) {
            return Error(Errc::invalid_argument,
                         "a key file needs the server's public key as well: --server-key");
        }
        return options;
    }
    auto keys = own_keys(globals.key_file);
    if (!keys) {
        return keys.error();
    }
    options.server_key = globals.server_key;
    options.secret_key = std::move(keys->secret_key);
    options.public_key = std::move(keys->public_key);
    return options;
}

}  // namespace

void declare_store(Arguments& arguments, StoreChoice& choice, Create create,
                   std::string_view names) {
    choice.option = names;
    arguments.text(names, "PATH", choice.directory, "work on this data directory, without a server")
        .path();
    if (create == Create::yes) {
        arguments
            .number("--partitions", "N", choice.partitions,
                    "of a data directory that is new; fixed then")
            .range(1, limits::kPartitionsMax);
    }
}

Result<std::optional<ClientOptions>> choose_server(const Invocation& invocation,
                                                   const StoreChoice& choice) {
    const Globals& globals = invocation.globals;
    if (!choice.directory.empty() && globals.server_given) {
        return Error(Errc::invalid_argument,
                     fmt::format("{} and --server exclude each other", choice.option));
    }
    if (!choice.directory.empty()) {
        return std::optional<ClientOptions>();
    }
    auto options = client_options(globals);
    return options ? Result<std::optional<ClientOptions>>(std::move(*options)) : options.error();
}

Result<std::unique_ptr<EventStore>> open_session(const Invocation& invocation,
                                                 const StoreChoice& choice, Create create) {
    auto server = choose_server(invocation, choice);
    if (!server) {
        return server.error();
    }
    if (*server) {
        return invocation.backends.connect(**server);
    }
    StoreOptions options;
    options.partitions = static_cast<std::uint16_t>(choice.partitions);
    options.create = create == Create::yes;
    return invocation.backends.open(choice.directory, options);
}

Result<std::unique_ptr<coord::Coord>> open_coordination(const Invocation& invocation,
                                                        const StoreChoice& choice) {
    auto server = choose_server(invocation, choice);
    if (!server) {
        return server.error();
    }
    if (*server) {
        return invocation.backends.connect_coord(**server);
    }
    // A store of its own in a directory that is none would hide that.
    if (auto info = invocation.backends.info(choice.directory); !info) {
        return info.error();
    }
    return coord::open_coord(choice.directory + "/coord");
}

Result<std::unique_ptr<Services>> open_services(const Invocation& invocation,
                                                std::chrono::milliseconds timeout) {
    auto options = client_options(invocation.globals);
    if (!options) {
        return options.error();
    }
    options->timeout = timeout;
    return invocation.backends.connect_services(*options);
}

Result<std::unique_ptr<Consumers>> open_consumers(const Invocation& invocation) {
    auto options = client_options(invocation.globals);
    return options ? invocation.backends.connect_consumers(*options) : options.error();
}

}  // namespace skald::cli
