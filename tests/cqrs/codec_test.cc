// Data that is not JSON: FlatBuffers tables, and an application's own format.
#include "skald/cqrs/codec.h"

#include "skald/cqrs/flatbuffers.h"
#include "skald/cqrs/repository.h"
#include "skald/cqrs/testing.h"
#include "tests/cqrs/parcel_generated.h"
#include "tests/cqrs/repository_fixture.h"
#include "tests/cqrs/stores.h"

namespace skald::cqrs {

template <>
struct Describe<flat::ParcelT> {
    static auto describe() {
        return event<flat::ParcelT>("Parcel", 1)
            .codec(
                flat_table<flat::Parcel, flatbuffers::FlatBufferBuilder, flatbuffers::Verifier>());
    }
};

namespace {

struct Weighed {
    int grams = 0;
    static auto describe() {
        Codec<Weighed> codec;
        codec.content_type = "text/plain";
        codec.encode = [](const Weighed& weighed) -> Result<std::string> {
            if (weighed.grams < 0) {
                return Error(Errc::invalid_event, "less than nothing");
            }
            return std::string(static_cast<std::size_t>(weighed.grams), '*');
        };
        codec.decode = [](std::string_view data, Weighed& weighed) -> Result<void> {
            weighed.grams = static_cast<int>(data.size());
            return data.find_first_not_of('*') == std::string_view::npos
                       ? Result<void>()
                       : Error(Errc::malformed, "expected stars");
        };
        return event<Weighed>("Weighed", 1).codec(codec);
    }
};

// As Weighed, until its data became JSON.
struct Measured {
    int grams = 0;
    static auto describe() {
        return event<Measured>("Weighed", 3)
            .required("grams", &Measured::grams)
            .upcast<2>([](std::string_view stars) {
                return R"({"grams":)" + std::to_string(stars.size()) + "}";
            });
    }
};
struct Measures {
    using Events = EventList<Measured>;
    int grams = 0;
    void evolve(const Measured& measured) { grams += measured.grams; }
};

struct Send {
    std::uint64_t id = 0;
    int grams = 0;
};
struct Never {};
struct Parcels {
    using Events = EventList<flat::ParcelT, Weighed>;
    using Rejection = Never;
    std::vector<std::string> labels;
    std::uint64_t last = 0;
    int grams = 0;
    void evolve(const flat::ParcelT& parcel) {
        last = parcel.id;
        labels = parcel.labels;
    }
    void evolve(const Weighed& weighed) { grams += weighed.grams; }
    Decision<Parcels> decide(const Send& send) const {
        flat::ParcelT parcel;
        parcel.id = send.id;
        parcel.labels = {"fragile", "\xff"};
        return {std::move(parcel), Weighed{send.grams}};
    }
};

}  // namespace

TEST_CASE("codec: tables and an own format through a store", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Repository<Parcels> parcels(world.store(), {.category = "parcel"});
    must(parcels, "1", Send{~std::uint64_t{0}, 3});
    const auto loaded = parcels.load("1");
    REQUIRE(loaded);
    CHECK(loaded->state.last == ~std::uint64_t{0});
    CHECK(loaded->state.labels == std::vector<std::string>{"fragile", "\xff"});
    CHECK(loaded->state.grams == 3);
    const auto events = world.events("parcel-1");
    CHECK(events.at(0).content_type == kContentTypeFlat);
    CHECK(events.at(1).content_type == "text/plain");
    CHECK(events.at(1).data == "***");
}

TEST_CASE("codec: what does not decode is said so", "[cqrs]") {
    World world("memory");
    Repository<Parcels> parcels(world.store(), {});
    const auto error_of = [&](const std::string& stream, const char* type, std::string data,
                              std::string_view content_type) {
        NewEvent event;
        event.type = type;
        event.data = std::move(data);
        event.content_type = content_type;
        REQUIRE(world.store().append(Append::one(stream, event)));
        const auto loaded = parcels.load(stream);
        return loaded ? "" : loaded.error().message;
    };
    for (const char* data : {"", "x", "not a table at all, and rather long"}) {
        const std::string stream = "table-" + std::string(data).substr(0, 1);
        CHECK(error_of(stream, "Parcel", data, kContentTypeFlat)
                  .ends_with("expected a FlatBuffers table, found other data"));
    }
    CHECK(error_of("b", "Weighed", "*x*", "text/plain").ends_with("expected stars"));
    CHECK(error_of("c", "Weighed", "***", "")
              .ends_with("expected data of text/plain, found application/json"));
    const auto refused = parcels.execute("d", Send{1, -1});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message == "Weighed: less than nothing");
}

TEST_CASE("codec: the test kit compares bytes", "[cqrs]") {
    flat::ParcelT parcel;
    parcel.id = 7;
    parcel.labels = {"fragile", "\xff"};
    const auto decided = given<Parcels>().when(Send{7, 2});
    CHECK(decided.then(parcel, Weighed{2}));
    parcel.id = 8;
    const auto verdict = decided.then(parcel, Weighed{2});
    CHECK_FALSE(verdict);
    CHECK(verdict.text().find("    Weighed **\n") != std::string::npos);
}

TEST_CASE("codec: what older versions are stored in is their upcast's affair", "[cqrs]") {
    World world("memory");
    Repository<Measures> measures(world.store(), {});
    const auto append = [&](const char* data, std::uint32_t version, const char* content_type) {
        NewEvent event;
        event.type = "Weighed";
        event.data = data;
        event.schema_version = version;
        event.content_type = content_type;
        REQUIRE(world.store().append(Append::one("1", event)));
    };
    append("***", 1, "text/plain");
    append("**", 2, "text/plain");
    append(R"({"grams":7})", 3, "");
    const auto loaded = measures.load("1");
    INFO((loaded ? "" : loaded.error().message));
    REQUIRE(loaded);
    CHECK(loaded->state.grams == 12);
    append("*", 3, "text/plain");
    CHECK(measures.load("1").error().message.ends_with(
        "expected data of application/json, found text/plain"));
}

}  // namespace skald::cqrs
