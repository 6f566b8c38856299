#include "store/index/term.h"

#include <catch2/catch.hpp>

#include "tests/store/index/index_world.h"

namespace skald::store::index {

TEST_CASE("term: kinds of one key differ in their hash", "[store]") {
    CHECK(Term::of(TermKind::stream, "a").hash != Term::of(TermKind::category, "a").hash);
    CHECK(Term::of(TermKind::type, "a").hash != Term::of(TermKind::tag, "a").hash);
}

TEST_CASE("term: a stream's lifecycle list has its hash", "[store]") {
    CHECK(hash_of(EntryKind::lifecycle, "a") == hash_of(EntryKind::stream, "a"));
}

TEST_CASE("term: a record's fingerprint is the sum over its postings", "[store]") {
    Record record{"order-1", "Placed", "c", {"x", "y", "x"}, false, false, 4, {}};
    record.encode_fields();
    const Posting plain{Offset(9), Version(0)};
    const std::uint64_t stream =
        posting_fingerprint(Term::of(TermKind::stream, "order-1"), {Offset(9), Version(4)});
    const std::uint64_t rest = posting_fingerprint(Term::of(TermKind::category, "order"), plain) +
                               posting_fingerprint(Term::of(TermKind::type, "Placed"), plain) +
                               posting_fingerprint(Term::of(TermKind::correlation, "c"), plain) +
                               posting_fingerprint(Term::of(TermKind::tag, "x"), plain) +
                               posting_fingerprint(Term::of(TermKind::tag, "y"), plain);
    CHECK(record_fingerprint(record.view(Offset(9)), false) == stream + rest);
    CHECK(record_fingerprint(record.view(Offset(9)), true) == stream);
    record.control = true;
    CHECK(record_fingerprint(record.view(Offset(9)), false) == 0);
}

}  // namespace skald::store::index
