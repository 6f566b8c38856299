#include "base/near_names.h"

#include <catch2/catch.hpp>

namespace skald {

TEST_CASE("near_names: close names, nearest first") {
    const std::vector<std::string> names{"read", "restore", "pub", "sub", "stream", "serve"};
    using List = std::vector<std::string>;
    CHECK(near_names("raed", names) == List{"read"});
    CHECK(near_names("ub", names) == List{"pub", "sub"});
    CHECK(near_names("res", names) == List{"restore"});
    CHECK(near_names("completely", names).empty());
    CHECK(near_names("", names).empty());
    CHECK(did_you_mean("ub", names) == ": did you mean `pub` or `sub`?");
    CHECK(did_you_mean("zzz", names).empty());
}

}  // namespace skald
