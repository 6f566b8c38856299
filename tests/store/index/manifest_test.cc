#include "store/index/manifest.h"

#include <catch2/catch.hpp>

namespace skald::store::index {
namespace {

RunInfo run(std::uint64_t id, std::uint64_t low, std::uint64_t high, std::uint32_t level = 0) {
    RunInfo info;
    info.id = id;
    info.low = low;
    info.high = high;
    info.level = level;
    return info;
}

Manifest three_runs() {
    Manifest manifest;
    manifest.apply({run(1, 0, 10), {}});
    manifest.apply({run(2, 10, 30), {}});
    manifest.apply({run(3, 30, 31), {}});
    return manifest;
}

}  // namespace

TEST_CASE("manifest: a new run goes behind the others", "[store]") {
    const Manifest manifest = three_runs();
    CHECK(manifest.generation == 3);
    CHECK(manifest.covered() == Offset(31));
    CHECK(Manifest{}.covered() == Offset(0));
}

TEST_CASE("manifest: a merged run takes the place of its inputs", "[store]") {
    Manifest manifest = three_runs();
    manifest.apply({run(9, 0, 30, 1), {1, 2}});
    REQUIRE(manifest.runs.size() == 2);
    CHECK(manifest.runs[0].id == 9);
    CHECK(manifest.runs[1].id == 3);
}

TEST_CASE("manifest: it comes back as it was stored", "[store]") {
    const std::string stored = encode_manifest(three_runs());
    CHECK(parse_manifest(as_bytes(stored)) == three_runs());
    CHECK(peek_generation(as_bytes(stored)) == 3);
    CHECK(peek_generation(std::nullopt) == 0);
}

TEST_CASE("manifest: any changed or missing byte is found", "[store]") {
    const std::string stored = encode_manifest(three_runs());
    for (std::size_t i = 0; i < stored.size(); ++i) {
        std::string damaged = stored;
        damaged[i] = static_cast<char>(damaged[i] ^ 1);
        CHECK_FALSE(parse_manifest(as_bytes(damaged)).has_value());
        CHECK_FALSE(parse_manifest(as_bytes(stored).first(i)).has_value());
    }
}

}  // namespace skald::store::index
