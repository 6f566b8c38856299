#include "base/call_gate.h"

#include <catch2/catch.hpp>
#include <future>

namespace skald {

TEST_CASE("call gate: closed, nobody is called", "[base]") {
    CallGate gate;
    int calls = 0;
    gate.enter([&] { ++calls; });
    CHECK(gate.open());
    CHECK(gate.shut());
    CHECK_FALSE(gate.shut());
    gate.enter([&] { ++calls; });
    CHECK(calls == 1);
    CHECK_FALSE(gate.open());
}

TEST_CASE("call gate: closing waits for a call, but not for one's own", "[base]") {
    CallGate gate;
    std::promise<void> reached;
    std::promise<void> go_on;
    std::atomic<bool> over{false};
    auto calling = std::async(std::launch::async, [&] {
        gate.enter([&] {
            reached.set_value();
            go_on.get_future().wait();
            over = true;
        });
    });
    reached.get_future().wait();
    auto closing = std::async(std::launch::async, [&] {
        gate.close();
        return over.load();
    });
    go_on.set_value();
    CHECK(closing.get());
    calling.get();

    CallGate own;
    own.enter([&] { own.close(); });
    CHECK_FALSE(own.open());
}

}  // namespace skald
