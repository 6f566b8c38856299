#include "client/connection.h"

#include "base/random.h"

namespace skald::client {
namespace {

namespace msg = wire::msg;

constexpr std::size_t kNameBytesMax = 255;

Result<void> check_options(const ClientOptions& options) {
    if (options.servers.empty()) {
        return Error(Errc::invalid_argument, "a client needs at least one server");
    }
    if (options.name.size() > kNameBytesMax) {
        return Error(Errc::invalid_argument, "the client's name has more than 255 bytes");
    }
    const bool some =
        !options.public_key.empty() || !options.secret_key.empty() || !options.server_key.empty();
    for (const std::string* key : {&options.public_key, &options.secret_key, &options.server_key}) {
        if (some && key->size() != 40) {
            return Error(Errc::invalid_argument,
                         "CURVE needs public_key, secret_key and server_key, 40 characters each");
        }
    }
    return wire::check_zmq_version();
}

}  // namespace

Error not_the_answer() {
    return {Errc::malformed, "the node answered with another kind of message"};
}

Result<std::unique_ptr<Connection>> Connection::open(const ClientOptions& options) {
    if (auto ok = check_options(options); !ok) {
        return ok.error();
    }
    Agent::Options agent;
    agent.curve = {options.public_key, options.secret_key, options.server_key};
    agent.timeout = options.timeout;
    agent.session.servers = options.servers;
    agent.session.producer = random_uuid();
    agent.session.name = options.name;
    agent.session.seed = load_le<std::uint64_t>(agent.session.producer.bytes.data());
    std::unique_ptr<Connection> connection(new Connection(std::move(agent)));
    auto welcome = connection->agent_.await_welcome();
    if (!welcome) {
        return welcome.error();
    }
    connection->welcome_ = std::move(*welcome);
    return connection;
}

Result<std::unique_ptr<Connection>> Connection::open_for_logs(const ClientOptions& options) {
    auto connection = open(options);
    if (connection && ((*connection)->welcome().features & msg::kFeatureLogs) == 0) {
        return Error(Errc::unsupported_version,
                     "the node is of a version that does not hand out its log");
    }
    return connection;
}

}  // namespace skald::client
