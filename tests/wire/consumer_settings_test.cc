#include <catch2/catch.hpp>
#include <functional>
#include <limits>

#include "base/limits.h"
#include "wire/consumer_messages.h"

namespace skald::wire {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kDay = std::chrono::hours(24);

Errc check(const std::function<void(ConsumerSettings&)>& change) {
    ConsumerSettings settings;
    settings.name = "orders";
    change(settings);
    const auto ok = check_settings(settings);
    return ok ? Errc{} : ok.error().code;
}

QueueSettings& make_queue(ConsumerSettings& settings) {
    settings.selection = Selection::stream("jobs");
    return settings.queue.emplace();
}

}  // namespace

TEST_CASE("consumer settings: names", "[wire]") {
    const auto named = [](std::string name) {
        return check([&](ConsumerSettings& s) { s.name = std::move(name); });
    };
    CHECK(named("orders-eu") == Errc{});
    CHECK(named(std::string(200, 'n')) == Errc{});
    for (const char* bad : {"", "a/b", "a#b", "$a", "a*", "a\n", "\xff"}) {
        INFO(bad);
        CHECK(named(bad) == Errc::invalid_argument);
    }
    CHECK(named(std::string(201, 'n')) == Errc::invalid_argument);
}

TEST_CASE("consumer settings: ranges", "[wire]") {
    using S = ConsumerSettings;
    for (const auto& good : std::vector<std::function<void(S&)>>{
             [](S&) {}, [](S& s) { s.max_deliveries = 0; },
             [](S& s) { s.ack_timeout = milliseconds(10); }, [](S& s) { s.ack_timeout = kDay; },
             [](S& s) {
                 s.backoff = {kDay, 10, kDay, 1};
             },
             [](S& s) {
                 s.backoff = {milliseconds(0), 1, milliseconds(0), 0};
             },
             [](S& s) { s.in_flight = 1; },
             [](S& s) { s.in_flight = limits::kConsumerInFlightMax; },
             [](S& s) { s.start = Offset{3}; }, [](S& s) { make_queue(s); },
             [](S& s) { make_queue(s).max_bytes = limits::kQueueKeptBytesMax; },
             [](S& s) { make_queue(s).max_wait = limits::kQueueWaitMax; },
             [](S& s) {
                 s.mode = ConsumerMode::per_key;
                 s.key = "customer";
             }}) {
        CHECK(check(good) == Errc{});
    }
    for (const auto& bad : std::vector<std::function<void(S&)>>{
             [](S& s) { s.ack_timeout = milliseconds(9); },
             [](S& s) { s.queue.emplace(); },
             [](S& s) { make_queue(s), s.start = End{}; },
             [](S& s) { make_queue(s), s.selection.types = {"a"}; },
             [](S& s) { make_queue(s).max_count = 0; },
             [](S& s) { make_queue(s).max_count = limits::kQueueCountMax + 1; },
             [](S& s) { make_queue(s).when_full = static_cast<WhenFull>(3); },
             [](S& s) { make_queue(s).max_wait = milliseconds(0); },
             [](S& s) { make_queue(s).max_wait = limits::kQueueWaitMax + milliseconds(1); },
             [](S& s) { s.ack_timeout = kDay + milliseconds(1); },
             [](S& s) { s.backoff.first = milliseconds(-1); },
             [](S& s) { s.backoff.first = s.backoff.most + milliseconds(1); },
             [](S& s) { s.backoff.most = kDay + milliseconds(1); },
             [](S& s) { s.backoff.factor = 0.9; },
             [](S& s) { s.backoff.factor = 10.1; },
             [](S& s) { s.backoff.jitter = -0.1; },
             [](S& s) { s.backoff.jitter = 1.1; },
             [](S& s) { s.backoff.factor = std::numeric_limits<double>::quiet_NaN(); },
             [](S& s) { s.in_flight = 0; },
             [](S& s) { s.in_flight = limits::kConsumerInFlightMax + 1; },
             [](S& s) { s.key = "customer"; },
             [](S& s) { s.start = Version{3}; },
             [](S& s) { s.selection.system = true; },
             [](S& s) { s.mode = static_cast<ConsumerMode>(3); },
             [](S& s) { s.selection = Selection::category(""); },
             [](S& s) {
                 s.mode = ConsumerMode::per_key;
                 s.key = std::string(256, 'k');
             }}) {
        CHECK(check(bad) == Errc::invalid_argument);
    }
}

}  // namespace skald::wire
