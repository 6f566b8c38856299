#include "wire/consumer_record.h"

#include <catch2/catch.hpp>

#include "tests/wire/consumer_samples.h"
#include "tests/wire/hex.h"

namespace skald::wire {
namespace {

ParkedPlace any_parked() {
    return {any_place(),
            Version{any<std::uint64_t>()},
            any<std::uint32_t>(),
            any<std::uint64_t>(),
            Time{any<std::int64_t>()},
            any<std::uint32_t>(),
            any<bool>(),
            any_text()};
}

DeliveryTerms any_terms() {
    DeliveryTerms terms;
    if (any<bool>()) {
        terms.expires = Time{any<std::int64_t>()};
    }
    terms.high = any<bool>();
    terms.repeat = any_text();
    terms.anchor = Time{any<std::int64_t>()};
    return terms;
}

ConsumerRecord any_record() {
    ConsumerRecord record;
    record.previous = any<std::uint64_t>();
    record.part = any<std::uint32_t>();
    record.parts = any<std::uint32_t>();
    record.taken = any_list([] {
        const std::uint64_t first = *rc::gen::inRange<std::uint64_t>(0, 1'000'000);
        return TakenRange{Partition{any<std::uint16_t>()}, Offset{first}, Offset{first + 5}};
    });
    record.waiting = any_list([] {
        return WaitingPlace{
            any_place(),          Version{any<std::uint64_t>()}, any<std::uint32_t>(),
            any<std::uint64_t>(), Time{any<std::int64_t>()},     any<std::uint32_t>()};
    });
    record.parked = any_list(any_parked);
    record.settled = any_list(any_place);
    record.done = any<std::uint64_t>();
    record.skipped = any<std::uint64_t>();
    record.failures = any<std::uint64_t>();
    record.term = any<std::uint64_t>();
    record.terms = any_list([] { return PlaceTerms{any_place(), any_terms()}; });
    record.expired = any<std::uint64_t>();
    record.dropped = any<std::uint64_t>();
    return record;
}

// The one in docs/log_format.md.
ConsumerRecord example() {
    ConsumerRecord record;
    record.previous = 1001;
    record.taken = {{Partition{0}, Offset{1000}, Offset{1004}}};
    record.waiting = {{{Partition{0}, Offset{1001}},
                       Version{4},
                       200,
                       0x1122334455667788,
                       Time{1'767'225'602'000'000},
                       1}};
    record.parked = {{{Partition{0}, Offset{1002}},
                      Version{0},
                      300,
                      0x99aabbccddeeff00,
                      Time{1'767'225'601'000'000},
                      5,
                      false,
                      "no such customer"}};
    record.settled = {{Partition{0}, Offset{998}}};
    record.done = 1001;
    record.skipped = 1;
    record.failures = 7;
    record.term = 3;
    record.terms = {{{Partition{0}, Offset{1001}},
                     {Time{1'767'229'200'000'000}, true, "every 1h", Time{1'767'225'600'000'000}}}};
    record.expired = 2;
    record.dropped = 4;
    return record;
}

Errc refusal_of_range(std::uint64_t first, std::uint64_t next) {
    ConsumerRecord record;
    record.taken = {{Partition{0}, Offset{first}, Offset{next}}};
    const Frame frame(as_bytes(encode(record)));
    const auto decoded = decode_consumer_record(frame.bytes());
    return decoded ? Errc{} : decoded.error().code;
}

}  // namespace

TEST_CASE("consumer records: are what they were", "[wire]") {
    CHECK(rc::check("records", [] {
        const ConsumerRecord record = any_record();
        const Frame frame(as_bytes(encode(record)));
        RC_ASSERT(decode_consumer_record(frame.bytes()).value() == record);
    }));
    CHECK(rc::check("catalogues", [] {
        const ConsumerCatalogue catalogue{any_list([] {
                                              return CatalogueEntry{any_settings(), Position{},
                                                                    any<bool>(),
                                                                    any<std::uint64_t>()};
                                          }),
                                          any<std::uint64_t>()};
        const Frame frame(as_bytes(encode(catalogue)));
        RC_ASSERT(decode_catalogue(frame.bytes()).value() == catalogue);
    }));
}

TEST_CASE("consumer records: the example", "[wire][golden]") {
    const std::string written = fenced(SKALD_LOG_FORMAT, "consumer record");
    CHECK(to_hex(encode(example())) == to_hex(written));
    const Frame frame(as_bytes(written));
    CHECK(decode_consumer_record(frame.bytes()).value() == example());
}

TEST_CASE("consumer records: spoilt bytes are refused, or are another record", "[wire]") {
    check_spoilt(encode(example()), decode_consumer_record);
    const std::string catalogue = encode(ConsumerCatalogue{{CatalogueEntry{}}, 1});
    check_spoilt(catalogue, decode_catalogue);
    const Frame record(as_bytes(renamed(encode(example()))));
    CHECK_FALSE(decode_consumer_record(record.bytes()));
    const Frame renamed_catalogue(as_bytes(renamed(catalogue)));
    CHECK_FALSE(decode_catalogue(renamed_catalogue.bytes()));
    CHECK(refusal_of_range(5, 6) == Errc{});
    CHECK(refusal_of_range(5, 5) == Errc::malformed);
    CHECK(refusal_of_range(5, 4) == Errc::malformed);
}

}  // namespace skald::wire
