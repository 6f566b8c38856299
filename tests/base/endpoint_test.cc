#include "base/endpoint.h"

#include <catch2/catch.hpp>

namespace skald {

TEST_CASE("endpoint: the forms there are") {
    for (const char* const good : {"tcp://127.0.0.1:7400", "tcp://*:*", "tcp://[::1]:0",
                                   "tcp://host:65535", "ipc://a/b", "ipc://*", "inproc://x"}) {
        CAPTURE(good);
        CHECK(check_endpoint(good));
    }
    for (const char* const bad :
         {"", "bogus", "tcp://", "tcp://host", "tcp://:7400", "tcp://host:", "tcp://host:99999",
          "tcp://host:-1", "tcp://host:7400x", "udp://host:1", "ipc://", "inproc://"}) {
        CAPTURE(bad);
        const auto checked = check_endpoint(bad);
        REQUIRE_FALSE(checked);
        CHECK(checked.error().code == Errc::invalid_argument);
        CHECK(checked.error().message.find("is malformed: tcp://HOST:PORT") != std::string::npos);
    }
}

}  // namespace skald
