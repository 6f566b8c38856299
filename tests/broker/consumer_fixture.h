// A durable consumer's core, with a log that writes at once and a clock.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "broker/consumers/consumer.h"

namespace skald::broker {

using namespace std::chrono_literals;

using Offsets = std::vector<std::uint64_t>;

struct ConsumerFixture {
    explicit ConsumerFixture(ConsumerMode mode = ConsumerMode::shared) {
        settings.name = "work";
        settings.mode = mode;
        settings.backoff = {100ms, 2, 1000ms, 0};
        settings.max_deliveries = 0;
        consumer.emplace(settings, 1);
    }

    // Events with the offsets from the last one on; of the key `offset % keys`.
    void read(std::uint64_t count, std::uint64_t keys = 1) {
        std::vector<Candidate> found;
        for (; count != 0; --count, ++next) {
            found.push_back(
                {{Partition{}, Offset{next}}, Offset{next}, Version{next}, next % keys, 100});
        }
        consumer->take(found, now);
    }
    // One that asks this for its delivery.
    void read_terms(const EventTerms& terms) {
        Candidate found{{Partition{}, Offset{next}}, Offset{next}, Version{next}, 0, 100};
        found.terms = std::make_shared<EventTerms>(terms);
        ++next;
        consumer->take(std::span(&found, 1), now);
    }
    Time at(Monotonic later) const {
        return Time{now.time.us +
                    std::chrono::duration_cast<std::chrono::microseconds>(later).count()};
    }
    std::uint64_t join(std::uint32_t in_flight = 100) {
        return consumer->join("m", in_flight, 10s, now);
    }
    // What the member is given at once.
    GivenPage fetch(std::uint64_t member) {
        REQUIRE(consumer->fetch(member, ++ticket, 0s, now));
        write();
        consumer->tick(now);
        for (GivenPage& page : std::exchange(consumer->effects().pages, {})) {
            if (page.ticket == ticket) {
                return std::move(page);
            }
        }
        return {};
    }
    void answer(std::uint64_t member, std::uint64_t offset, WorkAnswer what) {
        const std::vector<wire::AnsweredPlaces> answers{
            {Partition{}, Offset{offset}, Offset{offset + 1}, std::move(what)}};
        REQUIRE(*consumer->answer(member, answers, 0, now) == 1);
    }
    void write() {
        while (auto record = consumer->next_record()) {
            records.push_back(*record);
            consumer->recorded();
        }
    }
    void pass(Monotonic time) {
        now.monotonic += time;
        now.time.us += std::chrono::duration_cast<std::chrono::microseconds>(time).count();
        consumer->tick(now);
    }
    // As after a crash: what was written is known, and nothing else.
    void restart() {
        consumer.emplace(settings, 2);
        for (const wire::ConsumerRecord& record : records) {
            consumer->replay(record);
        }
        next = consumer->first_open(Partition{}).value;
    }

    ConsumerSettings settings;
    std::optional<Consumer> consumer;
    Consumer::Now now{1h, Time{1'000'000'000}};
    std::uint64_t next = 0;
    std::uint64_t ticket = 0;
    std::vector<wire::ConsumerRecord> records;
};

inline Offsets offsets_of(const GivenPage& page) {
    Offsets offsets;
    for (const Given& given : page.events) {
        offsets.push_back(given.place.offset.value);
    }
    return offsets;
}

}  // namespace skald::broker
