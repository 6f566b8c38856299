// A key that may read `order-*` is never sent a byte of another stream: not in any read,
// subscription, ephemeral event, answer or error. All that its socket receives is searched,
// decrypted; without CURVE all that passes over the wire.
#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>

#include "tests/hostile/capture.h"
#include "tests/hostile/node_process.h"
#include "tests/hostile/questions.h"
#include "tests/temp_directory.h"

namespace skald::hostile {
namespace {

std::string list_of(const Names& globs) {
    std::string text;
    for (const std::string& glob : globs) {
        text += (text.empty() ? "\"" : ", \"") + glob + "\"";
    }
    return "[" + text + "]";
}

std::string permission(const std::string& key, const std::string& glob) {
    std::string text = "[[security.permissions]]\nkey = \"" + key + "\"\n";
    for (const char* right : {"read", "write", "admin"}) {
        text += std::string(right) + " = " + list_of({glob}) + "\n";
    }
    return text;
}

std::unique_ptr<NodeProcess> start_node(const TempDirectory& directory, const std::string& config) {
    // However slow this process is, its session stays.
    std::ofstream(directory.path("skald.toml")) << "[limits]\nexpiry_ms = 600000\n" << config;
    auto node = std::make_unique<NodeProcess>(
        SKALD_PROGRAM, std::vector<std::string>{"--config", directory.path("skald.toml"), "--data",
                                                directory.path("data"), "--listen",
                                                "tcp://127.0.0.1:*", "--http", "127.0.0.1:0"});
    REQUIRE(node->ready());
    return node;
}

// The marks that each route shows to a key that may see all: the other one was asked the same.
void check_routes(Writer& owner, const Marks& foreign) {
    const auto write_more = [&] { fill(owner); };
    const auto publish = [&] { pass_by(owner); };
    for (const Route& route : routes(write_more, publish)) {
        const std::size_t before = owner.client().captured().size();
        route.ask(owner);
        const Names shown =
            found(foreign, std::string_view(owner.client().captured()).substr(before));
        for (const std::string& mark : route.shows) {
            INFO(route.name << " should show: " << mark);
            CHECK(std::find(shown.begin(), shown.end(), mark) != shown.end());
        }
    }
}

}  // namespace

TEST_CASE("permissions: what a key's socket receives holds nothing of other streams", "[hostile]") {
    const TempDirectory directory;
    const KeyPair server = make_key_pair();
    const KeyPair owner_keys = make_key_pair();
    const KeyPair reader_keys = make_key_pair();
    const std::string key_file = directory.path("key");
    std::ofstream(key_file) << server.secret_key << '\n';
    REQUIRE(chmod(key_file.c_str(), 0600) == 0);
    const auto node = start_node(
        directory, "[security]\nsecret_key_file = \"" + key_file +
                       "\"\nclients = " + list_of({owner_keys.public_key, reader_keys.public_key}) +
                       "\n" + permission(owner_keys.public_key, "*") +
                       permission(reader_keys.public_key, "order-*"));
    const std::string endpoint = node->endpoints()[0];
    const Uuid producer = uuid_of("foreign-produc", 1);
    CapturingClient owner_client(endpoint, owner_keys, server.public_key, producer);
    Writer owner(owner_client);
    fill(owner);
    const Marks foreign = foreign_marks(owner_keys.public_key, producer);

    CapturingClient reader(endpoint, reader_keys, server.public_key, uuid_of("own-producer", 1));
    Writer restricted(reader);
    for (const Route& route : routes([&] { fill(owner); }, [&] { pass_by(owner); })) {
        INFO(route.name);
        route.ask(restricted);
        CHECK(found(foreign, reader.captured()) == Names());
    }
    require_refusals(restricted);
    CHECK(found(foreign, reader.captured()) == Names());
    for (const char* whose : {"own", kOwnPassing}) {
        CHECK(found(marks_of(whose), reader.captured()) == names_of(marks_of(whose)));
    }

    check_routes(owner, foreign);
    CHECK(found(foreign, owner_client.captured()) == names_of(foreign));
    std::string http;
    for (const char* path : {"/metrics", "/info", "/readyz"}) {
        REQUIRE(node->get(path, &http) == 200);
        CHECK(found(foreign, http) == Names());
    }
    CHECK(node->stop().code == 0);
}

TEST_CASE("permissions: what passes over the wire holds nothing of other streams", "[hostile]") {
    const TempDirectory directory;
    const Uuid producer = uuid_of("foreign-produc", 1);
    const Marks foreign = foreign_marks("", producer);
    {
        const auto open = start_node(directory, "");
        const Tap tap(open->endpoints()[0]);
        CapturingClient client(tap.endpoint(), {}, "", producer);
        Writer owner(client);
        fill(owner);
        check_routes(owner, foreign);
        CHECK(found(foreign, tap.captured()) == names_of(foreign));
        CHECK(open->stop().code == 0);
    }
    const auto node = start_node(directory, permission("*", "order-*"));
    const Tap tap(node->endpoints()[0]);
    CapturingClient reader(tap.endpoint(), {}, "", uuid_of("own-producer", 1));
    Writer restricted(reader);
    const auto pass_own = [&] { restricted.publish("order-1", event_of(kOwnPassing, 1)); };
    for (const Route& route : routes([] {}, pass_own)) {
        INFO(route.name);
        route.ask(restricted);
        CHECK(found(foreign, tap.captured()) == Names());
    }
    require_refusals(restricted);
    CHECK(found(foreign, tap.captured()) == Names());
    for (const char* whose : {"own", kOwnPassing}) {
        CHECK(found(marks_of(whose), tap.captured()) == names_of(marks_of(whose)));
    }
    CHECK(node->stop().code == 0);
}

}  // namespace skald::hostile
