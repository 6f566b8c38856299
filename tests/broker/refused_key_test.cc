// What a client is told whose key the node does not admit.
#include <catch2/catch.hpp>

#include "skald/client.h"
#include "skald/node.h"
#include "tests/temp_directory.h"

namespace skald {
namespace {

// Whichever end sees it first closes the connection, and only one that saw it can say so.
void check_told_of_keys(const Error& error, const std::string& endpoint) {
    CAPTURE(error.message);
    CHECK((error.code == Errc::unauthenticated || error.code == Errc::unreachable));
    CHECK_THAT(error.message, Catch::StartsWith(endpoint + ": "));
    CHECK_THAT(error.message, Catch::Contains("one end uses keys and the other does not"));
}

}  // namespace

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

TEST_CASE("node: keys at one end only are told of at the other", "[node]") {
    const TempDirectory directory;
    const KeyPair server = make_key_pair();
    NodeOptions options;
    options.map_bytes = std::size_t{1} << 30;
    options.listen = {"tcp://127.0.0.1:*"};
    options.data_dir = directory.path("open");
    const auto open = Node::start(options);
    REQUIRE(open);
    ClientOptions client;
    client.servers = (*open)->endpoints();
    client.server_key = server.public_key;
    const KeyPair own = make_key_pair();
    client.public_key = own.public_key;
    client.secret_key = own.secret_key;
    const auto with_keys = connect(client);
    REQUIRE_FALSE(with_keys);
    check_told_of_keys(with_keys.error(), client.servers[0]);

    options.data_dir = directory.path("closed");
    options.secret_key = server.secret_key;
    options.clients = {"*"};
    const auto closed = Node::start(options);
    REQUIRE(closed);
    ClientOptions plain;
    plain.servers = (*closed)->endpoints();
    const auto without = connect(plain);
    REQUIRE_FALSE(without);
    check_told_of_keys(without.error(), plain.servers[0]);
}

}  // namespace skald
