// The explorer on systems whose states can be counted by hand.
#include "tests/model/explorer.h"

#include <catch2/catch.hpp>

namespace skald::model {
namespace {

// Two counters, each raised by one up to `top`; `bad`: a violation where both are that.
struct Counters {
    struct State {
        std::uint8_t a = 0;
        std::uint8_t b = 0;
    };
    using Action = char;

    int top = 9;
    int bad = -1;
    State start{};
    bool alike = false;  // the two are one to us

    [[nodiscard]] std::vector<State> initial() const { return {start}; }
    void successors(const State& state, std::vector<std::pair<Action, State>>& out) const {
        if (state.a < top) {
            out.emplace_back('a', State{static_cast<std::uint8_t>(state.a + 1), state.b});
        }
        if (state.b < top) {
            out.emplace_back('b', State{state.a, static_cast<std::uint8_t>(state.b + 1)});
        }
    }
    [[nodiscard]] const char* violation(const State& state) const {
        return state.a == bad && state.b == bad ? "both" : nullptr;
    }
    [[nodiscard]] Bytes pack(const State& state) const {
        const bool swap = alike && state.b < state.a;
        Bytes bytes;
        bytes.push(swap ? state.b : state.a);
        bytes.push(swap ? state.a : state.b);
        return bytes;
    }
    [[nodiscard]] State unpack(std::string_view bytes) const {
        return {static_cast<std::uint8_t>(bytes[0]), static_cast<std::uint8_t>(bytes[1])};
    }
    [[nodiscard]] std::string describe(const Action& action) const { return {action}; }
};

}  // namespace

TEST_CASE("explorer: counts every state and transition once", "[model]") {
    const Counters model{.top = 200};
    const Report report = Explorer(model).explore({});
    CHECK(report.complete);
    CHECK(report.violation.empty());
    CHECK(report.states == 40'401);
    CHECK(report.transitions == 80'400);
    CHECK(report.depth == 400);
}

TEST_CASE("explorer: states that are alike are one", "[model]") {
    const Counters model{.top = 99, .alike = true};
    const Report report = Explorer(model).explore({});
    CHECK(report.states == 5'050);
}

TEST_CASE("explorer: finds a violation by a shortest path", "[model]") {
    const Counters model{.bad = 3};
    const Report report = Explorer(model).explore({});
    CHECK_FALSE(report.complete);
    CHECK(report.violation == "both");
    REQUIRE(report.trace.size() == 6);
    CHECK(std::count(report.trace.begin(), report.trace.end(), "a") == 3);
}

TEST_CASE("explorer: a trace names things as they were named at its start", "[model]") {
    const Counters model{.bad = 2, .start = {1, 0}, .alike = true};
    const Report report = Explorer(model).explore({});
    REQUIRE(report.trace.size() == 3);
    CHECK(std::count(report.trace.begin(), report.trace.end(), "a") == 1);
}

TEST_CASE("explorer: says that it did not come to an end", "[model]") {
    const Counters model{.bad = 9};
    const Report report = Explorer(model).explore({.states = 50});
    CHECK_FALSE(report.complete);
    CHECK(report.violation.empty());
    CHECK(report.states >= 50);
}

TEST_CASE("explorer: what looks at a state may object to it", "[model]") {
    const Counters model{};
    const Report report = Explorer(model).explore(
        {}, [](const Counters::State& state) { return state.b == 2 ? "two" : nullptr; });
    CHECK(report.violation == "two");
    CHECK(report.trace == std::vector<std::string>{"b", "b"});
}

}  // namespace skald::model
