#include "store/index/posting_codec.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

namespace skald::store::index {
namespace {

std::string encode(const std::vector<std::uint64_t>& offsets) {
    std::string out;
    PostingEncoder encoder(out, offsets.front());
    for (std::size_t i = 1; i < offsets.size(); ++i) {
        encoder.add(offsets[i]);
    }
    encoder.finish();
    return out;
}

std::vector<std::uint64_t> rising(const std::vector<std::uint8_t>& gaps, std::uint64_t first) {
    std::vector<std::uint64_t> offsets{first};
    for (const std::uint8_t gap : gaps) {
        // Half of them consecutive, some far apart.
        offsets.push_back(offsets.back() + (gap < 128 ? 1 : std::uint64_t{1} << (gap % 40)));
    }
    return offsets;
}

}  // namespace

TEST_CASE("posting_codec: varints of every length come back", "[store]") {
    for (unsigned bits = 0; bits < 64; ++bits) {
        for (const std::uint64_t value : {std::uint64_t{1} << bits, (std::uint64_t{1} << bits) - 1,
                                          ~std::uint64_t{0} >> bits}) {
            std::string out;
            put_varint(out, value);
            std::string_view text = out;
            REQUIRE(take_varint(text) == value);
            REQUIRE(text.empty());
            std::string_view cut(out.data(), out.size() - 1);
            REQUIRE_FALSE(take_varint(cut).has_value());
        }
    }
}

TEST_CASE("posting_codec: a varint that does not end is refused", "[store]") {
    std::string_view endless = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
    CHECK_FALSE(take_varint(endless).has_value());
}

TEST_CASE("posting_codec: consecutive offsets cost next to nothing", "[store]") {
    CHECK(encode(rising(std::vector<std::uint8_t>(1023, 0), 5)).size() == 2);
}

TEST_CASE("posting_codec: what was encoded is decoded", "[store]") {
    CHECK(rc::check("offsets come back", [](const std::vector<std::uint8_t>& gaps) {
        const auto offsets = rising(gaps, 17);
        std::vector<std::uint64_t> decoded;
        const auto count = static_cast<std::uint32_t>(offsets.size());
        RC_ASSERT(decode_postings(encode(offsets), 17, count, decoded));
        RC_ASSERT(decoded == offsets);
        decoded.clear();
        RC_ASSERT(!decode_postings(encode(offsets), 17, count + 1, decoded));
    }));
}

TEST_CASE("posting_codec: joined lists decode as one", "[store]") {
    CHECK(rc::check("lists join", [](const std::vector<std::uint8_t>& a,
                                     const std::vector<std::uint8_t>& b, std::uint16_t between) {
        auto first = rising(a, 3);
        const auto second = rising(b, first.back() + 1 + between);
        std::string tokens = encode(first);
        put_joint(tokens, first.back(), second.front());
        tokens += encode(second);
        first.insert(first.end(), second.begin(), second.end());
        std::vector<std::uint64_t> decoded;
        RC_ASSERT(decode_postings(tokens, 3, static_cast<std::uint32_t>(first.size()), decoded));
        RC_ASSERT(decoded == first);
    }));
}

TEST_CASE("posting_codec: any bytes are decoded or refused, within the count", "[store]") {
    CHECK(rc::check("bounded", [](const std::string& bytes, std::uint8_t count) {
        std::vector<std::uint64_t> decoded;
        decode_postings(bytes, 0, count + 1U, decoded);
        RC_ASSERT(decoded.size() <= count + 1U);
    }));
}

}  // namespace skald::store::index
