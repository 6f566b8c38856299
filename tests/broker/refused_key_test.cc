// What a client is told whose key the node does not admit.
#include <catch2/catch.hpp>

#include "skald/client.h"
#include "skald/node.h"
#include "tests/temp_directory.h"

namespace skald {

TEST_CASE("node: a key that is not admitted is told so", "[node]") {
    const TempDirectory directory;
    const KeyPair server = make_key_pair();
    const KeyPair unknown = make_key_pair();
    NodeOptions options;
    options.data_dir = directory.path("data");
    options.map_bytes = std::size_t{1} << 30;
    options.listen = {"tcp://127.0.0.1:*"};
    options.secret_key = server.secret_key;
    options.clients = {make_key_pair().public_key};
    const auto node = Node::start(options);
    REQUIRE(node);
    ClientOptions client;
    client.servers = (*node)->endpoints();
    client.server_key = server.public_key;
    client.public_key = unknown.public_key;
    client.secret_key = unknown.secret_key;
    const auto store = connect(client);
    REQUIRE_FALSE(store);
    CHECK(store.error().code == Errc::unauthenticated);
}

}  // namespace skald
