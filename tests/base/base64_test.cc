#include "base/base64.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

namespace skald {

TEST_CASE("base64: bytes of every length come back, and nothing else is taken", "[model]") {
    CHECK(rc::check([] {
        const std::string bytes = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
        std::string text;
        append_base64(text, bytes);
        RC_ASSERT(parse_base64(text) == bytes);
    }));
    for (const char* const bad :
         {"A", "AA", "AAA", "AA=A", "====", "A===", "AB==", "AAB=", "A AA"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_base64(bad));
    }
}

}  // namespace skald
