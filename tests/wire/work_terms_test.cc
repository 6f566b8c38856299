#include "skald/work_terms.h"

#include <catch2/catch.hpp>

#include "base/bytes.h"
#include "wire/record.h"

namespace skald {
namespace {

using namespace std::chrono_literals;

Result<WorkTerms> read(const Metadata& metadata) {
    NewEvent event;
    event.type = "made";
    event.metadata = metadata;
    std::string record;
    wire::append_record(record, event, {});
    EventView view{};
    view.fields = wire::parse_record(as_bytes(record))->fields;
    return work_terms_of(view);
}

}  // namespace

TEST_CASE("work terms: are what was said", "[wire]") {
    WorkTerms terms;
    CHECK(read({{"customer", "7"}}).value() == terms);
    terms.at = Time{1'767'225'600'000'001};
    terms.ttl = 90s;
    terms.high = true;
    terms.repeat = "0 9 * * mon-fri";
    NewEvent event;
    event.metadata = {{"customer", "7"}};
    set_work_terms(event, terms);
    CHECK(event.metadata == Metadata{{"customer", "7"},
                                     {"$deliver-at", "2026-01-01T00:00:00.000001Z"},
                                     {"$ttl", "90000ms"},
                                     {"$priority", "high"},
                                     {"$repeat", "0 9 * * mon-fri"}});
    CHECK(read(event.metadata).value() == terms);
    terms = {};
    terms.delay = 10ms;
    event.metadata.clear();
    set_work_terms(event, terms);
    CHECK(read(event.metadata).value() == terms);
    CHECK(read({{"$priority", "normal"}}).value() == WorkTerms{});
    CHECK(read({{"$mine", "soon"}}).value() == WorkTerms{});
}

TEST_CASE("work terms: what cannot be read is named", "[wire]") {
    for (const auto& [key, value] : Metadata{{"$deliver-at", "tomorrow"},
                                             {"$deliver-after", "10"},
                                             {"$deliver-after", "36501d"},
                                             {"$ttl", "0s"},
                                             {"$ttl", "-1s"},
                                             {"$priority", "HIGH"}}) {
        const auto terms = read({{key, value}});
        REQUIRE_FALSE(terms);
        CHECK(terms.error().code == Errc::invalid_argument);
        CHECK(terms.error().message.find(key) != std::string::npos);
    }
    CHECK_FALSE(read({{"$deliver-at", "2026-01-01T00:00:00Z"}, {"$deliver-after", "1s"}}));
}

}  // namespace skald
