#include "coord/revision_pieces.h"

#include <catch2/catch.hpp>

namespace skald::coord {
namespace {

Revised revised(std::uint64_t revision, const std::vector<std::string>& keys) {
    Revised of{Revision{revision}, {}};
    for (const std::string& key : keys) {
        Change change;
        change.entry.key = key;
        change.entry.modified = of.revision;
        of.changes.push_back(change);
    }
    return of;
}

using All = std::vector<Revised>;

}  // namespace

TEST_CASE("revision pieces: what is whole is told at once, in the order of keys", "[coord]") {
    RevisionPieces pieces;
    CHECK(pieces.add({revised(2, {"b", "a"}), revised(3, {"c"})}, false) ==
          All{revised(2, {"a", "b"}), revised(3, {"c"})});
    CHECK(pieces.add({}, false).empty());
    CHECK(pieces.bytes() == 0);
}

TEST_CASE("revision pieces: the last of a piece waits for the rest", "[coord]") {
    RevisionPieces pieces;
    CHECK(pieces.add({revised(2, {"a"}), revised(3, {"d"})}, true) == All{revised(2, {"a"})});
    CHECK(pieces.bytes() > 0);
    CHECK(pieces.add({revised(3, {"c"})}, true).empty());
    CHECK(pieces.add({revised(3, {"b"}), revised(4, {"e"})}, false) ==
          All{revised(3, {"b", "c", "d"}), revised(4, {"e"})});
    CHECK(pieces.bytes() == 0);
    CHECK(pieces.add({revised(5, {"a"})}, true).empty());
    CHECK(pieces.add({revised(6, {"b"})}, false) == All{revised(5, {"a"}), revised(6, {"b"})});
}

}  // namespace skald::coord
