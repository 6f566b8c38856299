// Any events, in deliveries of any size, with any policy: what is stored after several lanes is
// what is stored after one, byte for byte.
#include <rapidcheck.h>

#include "tests/cqrs/acts.h"

namespace skald::cqrs {
namespace {

constexpr std::uint64_t kRows = 120;

// In how many of a thousand events what may touch the row of another lane, or fails.
struct Odds {
    int reads = 0;
    int becomes = 0;
    int shares = 0;  // a unique value
    int fails = 0;
};

rc::Gen<Odds> any_odds() {
    return rc::gen::construct<Odds>(rc::gen::element(0, 0, 2, 100), rc::gen::element(0, 0, 2, 30),
                                    rc::gen::element(0, 0, 2, 30), rc::gen::element(0, 0, 2, 30));
}

rc::Gen<Act> any_act(const Odds& odds) {
    const auto row = rc::gen::inRange<std::uint64_t>(0, kRows);
    const auto draw = rc::gen::inRange(0, 1000);
    return rc::gen::apply(
        [odds](std::uint64_t id, std::uint64_t other, int reads, int becomes, int only, int fails,
               int rest) {
            Act made = act(id);
            made.reads = reads < odds.reads ? other : id;
            made.becomes = becomes < odds.becomes ? other : id;
            made.only = only < odds.shares ? std::optional(std::to_string(other % 5))
                        : only < 500       ? std::optional("of " + std::to_string(id))
                                           : std::nullopt;
            made.fails = fails < odds.fails;
            made.erases = rest % 7 == 0;
            made.effects = rest % 5 == 0;
            return made;
        },
        row, row, draw, draw, draw, draw, draw);
}

Poison any_policy() {
    switch (*rc::gen::inRange(0, 3)) {
        case 0:
            return Poison::stop();
        case 1:
            return Poison::park();
        default:
            return Poison::park([](const EventView& at) { return std::string(at.stream, 0, 5); });
    }
}

}  // namespace

TEST_CASE("lanes: what is stored is what one lane stores", "[cqrs][model]") {
    ActsModel one(1);
    ActsModel two(2);
    ActsModel five(5);
    // Events of one row are in several lanes.
    ActsModel apart(3, [](const EventView& at) { return std::to_string(at.offset.value / 3); });
    std::uint64_t undisturbed = 0;
    CHECK(rc::check([&] {
        const Odds odds = *any_odds();
        const auto size = *rc::gen::inRange<std::size_t>(1, 800);
        const auto acts = *rc::gen::container<std::vector<Act>>(size, any_act(odds));
        const auto sizes =
            *rc::gen::container<std::vector<std::size_t>>(6, rc::gen::inRange<std::size_t>(1, 250));
        const Poison poison = any_policy();
        const ActsLog log(acts, *rc::gen::element<std::uint16_t>(1, 16));
        const auto expected = one.project(log.events(), sizes, poison);
        for (ActsModel* lanes : {&two, &five, &apart}) {
            const std::uint64_t before = lanes->reruns();
            const std::uint64_t elsewhere = lanes->elsewhere();
            RC_ASSERT(lanes->project(log.events(), sizes, poison) == expected);
            undisturbed += lanes->reruns() == before && lanes->elsewhere() > elsewhere ? 1 : 0;
        }
    }));
    // Both ways were taken.
    CHECK(undisturbed > 0);
    CHECK(two.reruns() > 0);
    CHECK(apart.reruns() > 0);
}

}  // namespace skald::cqrs
