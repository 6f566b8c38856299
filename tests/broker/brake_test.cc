// The I/O thread stops and goes on.
#include "broker/transport/brake.h"

#include <catch2/catch.hpp>

#include "tests/temp_directory.h"

namespace skald::broker {
namespace {

constexpr int kLongMs = 30'000;
constexpr int kShortMs = 200;

// Two sockets with a connection that the I/O thread serves.
struct Line {
    Line() {
        const std::string endpoint = "ipc://" + directory.path("line");
        REQUIRE(to.bind(endpoint));
        REQUIRE(from.connect(endpoint));
    }
    void send() {
        REQUIRE(from.send(wire::ZmqMessage(as_bytes("x")), false) == wire::SendResult::sent);
    }
    bool arrives(int within_ms) {
        wire::ZmqMessage part;
        if (to.receive(part)) {
            return true;
        }
        wire::poll_sockets(to, nullptr, nobody, within_ms);
        return to.receive(part);
    }

    const TempDirectory directory;
    wire::ZmqSocket to{wire::shared_zmq_context(), wire::ZmqKind::dealer};
    wire::ZmqSocket from{wire::shared_zmq_context(), wire::ZmqKind::dealer};
    wire::Waker nobody;
};

}  // namespace

TEST_CASE("brake: nothing comes in while it is held, and all of it after", "[broker]") {
    auto brake = Brake::open();
    REQUIRE(brake);
    Line line;
    line.send();
    REQUIRE(line.arrives(kLongMs));
    for (std::uint64_t holds = 1; holds <= 3; ++holds) {
        (*brake)->hold();
        (*brake)->hold();
        CHECK((*brake)->holds() == holds);
        line.send();
        CHECK_FALSE(line.arrives(kShortMs));
        (*brake)->release();
        CHECK(line.arrives(kLongMs));
    }
    (*brake)->hold();
    line.send();
    brake->reset();
    CHECK(line.arrives(kLongMs));
}

TEST_CASE("brake: several in one process", "[broker]") {
    auto one = Brake::open();
    auto other = Brake::open();
    REQUIRE(one);
    REQUIRE(other);
    Line line;
    line.send();
    REQUIRE(line.arrives(kLongMs));
    (*one)->hold();
    (*other)->hold();
    line.send();
    (*one)->release();
    CHECK_FALSE(line.arrives(kShortMs));
    (*other)->release();
    CHECK(line.arrives(kLongMs));
}

}  // namespace skald::broker
