// Any text as a schedule: what is taken is due again and again, each time later, whatever the time.
#include <array>
#include <cstdint>
#include <limits>
#include <span>

#include "base/bytes.h"
#include "base/check.h"
#include "base/schedule.h"

namespace {

using skald::Time;

constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kYear10000 = 253'402'300'800'000'000;
constexpr std::int64_t kNearEnd = kYear10000 - 50LL * 366 * 86400 * 1'000'000;

void try_from(const skald::Schedule& schedule, Time anchor, Time at) {
    for (int i = 0; i < 20; ++i) {
        const auto next = schedule.next(anchor, at);
        SKALD_CHECK(next || at.us > kNearEnd, "no more, and years are left");
        SKALD_CHECK(!next || *next > at, "not later");
        if (!next) {
            return;
        }
        at = *next;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
    const auto schedule =
        skald::Schedule::parse(skald::as_text(std::as_bytes(std::span(input, size))));
    if (!schedule) {
        SKALD_CHECK(schedule.error().code == skald::Errc::invalid_argument, "a wrong code");
        return 0;
    }
    constexpr std::array kTimes = {kLowest,  std::int64_t{-1}, std::int64_t{0},
                                   kNearEnd, kYear10000 - 1,   kHighest - 1};
    for (const std::int64_t anchor : kTimes) {
        for (const std::int64_t at : kTimes) {
            try_from(*schedule, Time{anchor}, Time{at});
        }
    }
    return 0;
}
