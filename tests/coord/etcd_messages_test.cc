#include "coord/etcd_messages.h"

#include <catch2/catch.hpp>

namespace skald::coord {
namespace {

const EtcdMessages kPlain("");
const EtcdMessages kBelow("p/");

constexpr const char* kHeader = R"("header":{"cluster_id":"3249525912","member_id":"33198",)"
                                R"("revision":"9","raft_term":"2"})";

std::string with_header(const std::string& rest) {
    return std::string("{") + kHeader + rest + "}";
}

}  // namespace

TEST_CASE("etcd messages: ranges as they are asked for", "[coord][golden]") {
    const auto plain = [](const KeyRange& keys) {
        return kPlain.range(keys, Reading::linearizable);
    };
    const auto below = [](const KeyRange& keys) {
        return kBelow.range(keys, Reading::linearizable);
    };
    const std::string zero(1, '\0');
    CHECK(plain(KeyRange::one("a")) == R"({"key":"YQ=="})");
    CHECK(kPlain.range(KeyRange::one("a"), Reading::stale) ==
          R"({"key":"YQ==","serializable":true})");
    CHECK(plain(KeyRange::prefix("a")) == R"({"key":"YQ==","range_end":"Yg=="})");
    CHECK(plain(KeyRange::prefix("")) == R"({"key":"AA==","range_end":"AA=="})");
    CHECK(plain({"a", ""}) == R"({"key":"YQ==","range_end":"AA=="})");
    CHECK(plain({"", "b"}) == R"({"key":"AA==","range_end":"Yg=="})");
    CHECK(below(KeyRange::one("a")) == R"({"key":"cC9h"})");
    CHECK(below(KeyRange::prefix("")) == R"({"key":"cC8A","range_end":"cDA="})");
    CHECK(below({"a", ""}) == R"({"key":"cC9h","range_end":"cDA="})");
    CHECK(below({"", "b"}) == R"({"key":"cC8A","range_end":"cC9i"})");
    CHECK(EtcdMessages("\xff").range({"a", ""}, Reading::linearizable) ==
          R"({"key":"/2E=","range_end":"AA=="})");
    // What holds nothing: no key is so long.
    const std::string nothing = plain(KeyRange::one(""));
    CHECK(nothing.size() > 600);
    CHECK(nothing.find("range_end") == std::string::npos);
    for (const KeyRange& none : {KeyRange{"", zero}, KeyRange{"b", "a"}, KeyRange{"a", "a"}}) {
        CHECK(plain(none) == nothing);
        CHECK(below(none) == below(KeyRange::one("")));
    }
}

TEST_CASE("etcd messages: a transaction as it is asked for", "[coord][golden]") {
    const Txn txn{{Compare::absent("a"),
                   Compare::unchanged("b", Revision{17}),
                   {"c", Compare::Field::version, Compare::Is::less, ~std::uint64_t{0}, {}},
                   {"d", Compare::Field::lease, Compare::Is::not_equal, 5, {}},
                   {"e", Compare::Field::value, Compare::Is::greater, 0, "v"}},
                  {Put{"a", "v", LeaseId{7}}, Put{"b", "", {}}, Erase{KeyRange::prefix("x")}},
                  {Get{KeyRange::one("a")}}};
    CHECK(kBelow.txn(txn) ==
          R"({"compare":[)"
          R"({"create_revision":"0","key":"cC9h","result":"EQUAL","target":"CREATE"},)"
          R"({"key":"cC9i","mod_revision":"17","result":"EQUAL","target":"MOD"},)"
          R"({"key":"cC9j","result":"LESS","target":"VERSION","version":"9223372036854775807"},)"
          R"({"key":"cC9k","lease":"5","result":"NOT_EQUAL","target":"LEASE"},)"
          R"({"key":"cC9l","result":"GREATER","target":"VALUE","value":"dg=="}],)"
          R"("failure":[{"request_range":{"key":"cC9h"}}],)"
          R"("success":[{"request_put":{"key":"cC9h","lease":"7","value":"dg=="}},)"
          R"({"request_put":{"key":"cC9i","value":""}},)"
          R"({"request_delete_range":{"key":"cC94","range_end":"cC95"}}]})");
}

TEST_CASE("etcd messages: leases, watches, users", "[coord][golden]") {
    using std::chrono::milliseconds;
    CHECK(EtcdMessages::grant(milliseconds(1000)) == R"({"TTL":"1"})");
    CHECK(EtcdMessages::grant(milliseconds(1001)) == R"({"TTL":"2"})");
    CHECK(EtcdMessages::lease(LeaseId{2324035546043087625}) == R"({"ID":"2324035546043087625"})");
    CHECK(kPlain.watch(KeyRange::one("a"), Revision{4}) ==
          R"({"create_request":{"fragment":true,"key":"YQ==","progress_notify":true,)"
          R"("start_revision":"4"}})");
    CHECK(kBelow.watch(KeyRange::prefix(""), Revision{0}) ==
          R"({"create_request":{"fragment":true,"key":"cC8A","progress_notify":true,)"
          R"("range_end":"cDA=","start_revision":"1"}})");
    CHECK(EtcdMessages::authenticate("me", "\"p\"") == R"({"name":"me","password":"\"p\""})");
    CHECK(*EtcdMessages::granted(with_header(R"(,"ID":"2324035546043087625","TTL":"5")")) ==
          LeaseId{2324035546043087625});
    CHECK_FALSE(EtcdMessages::granted(with_header("")));
    CHECK(*EtcdMessages::kept_alive(R"({"result":{"ID":"123","TTL":"5"}})"));
    CHECK_FALSE(*EtcdMessages::kept_alive(R"({"result":{"ID":"123"}})"));
    CHECK_FALSE(EtcdMessages::kept_alive(R"({"ID":"123","TTL":"5"})"));
    CHECK(*EtcdMessages::token(R"({"token":"abc.1"})") == "abc.1");
    CHECK_FALSE(EtcdMessages::token(R"({"token":"a\r\nb"})"));
    CHECK_FALSE(EtcdMessages::token("{}"));
}

TEST_CASE("etcd messages: listings", "[coord][golden]") {
    const auto listing = kBelow.listing(with_header(
        R"(,"kvs":[{"key":"cC9h","create_revision":"2","mod_revision":"3","version":"2",)"
        R"("value":"dg==","lease":"7"},{"key":"cC9i","create_revision":"4","mod_revision":"4",)"
        R"("version":"1"}],"count":"2")"));
    REQUIRE(listing);
    CHECK(listing->revision == Revision{9});
    CHECK(listing->entries ==
          std::vector<Entry>{{"a", "v", Revision{2}, Revision{3}, 2, LeaseId{7}},
                             {"b", "", Revision{4}, Revision{4}, 1, {}}});
    CHECK(kBelow.listing(with_header(""))->entries.empty());
    for (const char* wrong :
         {R"(,"kvs":{})", R"(,"kvs":[5])", R"(,"kvs":[{"key":"cC9h","value":"?"}])",
          R"(,"kvs":[{"key":"cC9h","version":"x"}])", R"(,"kvs":[{"key":"cC9h","version":"-1"}])",
          R"(,"kvs":[{"key":"YQ=="}])", R"(,"kvs":[{"key":"cC8="}])", R"(,"kvs":[{}])"}) {
        CHECK_FALSE(kBelow.listing(with_header(wrong)));
    }
    for (const char* wrong : {"", "{}", "[]", "7", "<html>"}) {
        CHECK_FALSE(kBelow.listing(wrong));
    }
}

TEST_CASE("etcd messages: results of transactions", "[coord][golden]") {
    const auto lost = kBelow.txn_result(with_header(
        R"(,"responses":[{"response_range":{"header":{"revision":"9"},"kvs":[{"key":"cC9h",)"
        R"("create_revision":"2","mod_revision":"2","version":"1"}],"count":"1"}},)"
        R"({"response_delete_range":{"header":{"revision":"9"}}},)"
        R"({"response_range":{"header":{"revision":"9"}}}])"));
    REQUIRE(lost);
    CHECK_FALSE(lost->succeeded);
    CHECK(lost->revision == Revision{9});
    REQUIRE(lost->found.size() == 2);
    CHECK(lost->found[0] == std::vector<Entry>{{"a", "", Revision{2}, Revision{2}, 1, {}}});
    CHECK(lost->found[1].empty());
    const auto won = kBelow.txn_result(with_header(R"(,"succeeded":true)"));
    CHECK((won && won->succeeded && won->found.empty()));
    CHECK_FALSE(kBelow.txn_result(with_header(R"(,"succeeded":"yes")")));
    CHECK_FALSE(kBelow.txn_result("{}"));
}

TEST_CASE("etcd messages: what a watch says", "[coord][golden]") {
    const auto news =
        kBelow.news(R"({"result":{"header":{"revision":"5"},"events":[)"
                    R"({"kv":{"key":"cC9h","create_revision":"4","mod_revision":"4","version":"1",)"
                    R"("value":"dg=="}},)"
                    R"({"type":"DELETE","kv":{"key":"cC9i","mod_revision":"5"}},)"
                    R"({"type":"PUT","kv":{"key":"cC9j","create_revision":"5","mod_revision":"5",)"
                    R"("version":"1"}}]}})");
    REQUIRE(news);
    REQUIRE(news->revised.size() == 2);
    CHECK(news->revised[0] ==
          Revised{Revision{4}, {{{"a", "v", Revision{4}, Revision{4}, 1, {}}, false}}});
    CHECK(news->revised[1] == Revised{Revision{5},
                                      {{{"b", "", {}, Revision{5}, 0, {}}, true},
                                       {{"c", "", Revision{5}, Revision{5}, 1, {}}, false}}});
    CHECK_FALSE((news->fragment || news->canceled || news->compacted || news->refusal));
    CHECK(news->all == Revision{});
    // Nothing came, up to there.
    const auto quiet = kBelow.news(R"({"result":{"header":{"revision":"7"}}})");
    REQUIRE(quiet);
    CHECK((quiet->all == Revision{7} && quiet->revised.empty()));

    const auto created = kBelow.news(R"({"result":{"header":{"revision":"3"},"created":true}})");
    REQUIRE(created);
    CHECK(*created == EtcdMessages::News{});
    const auto part = kBelow.news(R"({"result":{"header":{"revision":"7"},"fragment":true}})");
    CHECK((part->fragment && part->all == Revision{}));
    const auto compacted = kBelow.news(R"({"result":{"canceled":true,"compact_revision":"4"}})");
    CHECK((compacted->canceled && compacted->compacted && !compacted->refusal));
    const auto denied =
        kBelow.news(R"({"result":{"created":true,"canceled":true,"cancel_reason":"no"}})");
    CHECK(denied->refusal == EtcdRefusal{0, "no"});
    const auto no_leader = kBelow.news(
        R"({"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader"}})");
    CHECK(no_leader->refusal == EtcdRefusal{14, "etcdserver: no leader"});
    for (const char* wrong :
         {"", "{}", R"({"result":5})", R"({"result":{"events":[{"type":"X","kv":{}}]}})",
          R"({"result":{"events":[{"kv":{"key":"YQ==","mod_revision":"4"}}]}})",
          R"({"result":{"events":[{"kv":{"key":"cC9h","mod_revision":"4"}},)"
          R"({"kv":{"key":"cC9h","mod_revision":"3"}}]}})",
          // No number of theirs, which have a sign.
          R"({"result":{"header":{"revision":"9223372036854775808"}}})",
          R"({"result":{"header":{"revision":18446744073709551615}}})",
          R"({"result":{"header":{"revision":-1}}})"}) {
        CHECK_FALSE(kBelow.news(wrong));
    }
}

}  // namespace skald::coord
