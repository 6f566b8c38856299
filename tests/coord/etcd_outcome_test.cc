#include "coord/etcd_outcome.h"

#include <catch2/catch.hpp>

namespace skald::coord {
namespace {

using Next = EtcdOutcome::Next;

HttpEnd reply(int status, std::string body) {
    HttpEnd end;
    end.status = status;
    end.sent = true;
    end.body = std::move(body);
    return end;
}

HttpEnd none(bool sent, bool timed_out = false) {
    HttpEnd end;
    end.sent = sent;
    end.timed_out = timed_out;
    end.why = "why";
    return end;
}

std::string refusal(int code, const std::string& message) {
    return R"({"error":")" + message + R"(","message":")" + message + R"(","code":)" +
           std::to_string(code) + "}";
}

void check(HttpEnd end, bool changes, Next next, Errc code) {
    const EtcdOutcome outcome = outcome_of(std::move(end), changes);
    INFO(outcome.error.message);
    CHECK(outcome.next == next);
    CHECK(outcome.error.code == code);
}

}  // namespace

TEST_CASE("etcd outcome: where no reply came", "[coord]") {
    for (const bool changes : {false, true}) {
        check(none(false), changes, Next::elsewhere, Errc::unreachable);
        check(none(false, true), changes, Next::elsewhere, Errc::unreachable);
        HttpEnd busy = none(false);
        busy.busy = true;
        check(busy, changes, Next::failed, Errc::busy);
    }
    for (const bool changes : {false, true}) {
        HttpEnd unfit = none(false);
        unfit.unfit = true;
        check(unfit, changes, Next::failed, Errc::invalid_argument);
        HttpEnd distrusted = none(false);
        distrusted.distrusted = true;
        check(distrusted, changes, Next::elsewhere, Errc::unreachable);
        CHECK(outcome_of(distrusted, changes).error.message.find("ca_file") != std::string::npos);
    }
    HttpEnd large = none(true);
    large.too_large = true;
    check(large, false, Next::failed, Errc::request_too_large);
    check(large, true, Next::failed, Errc::outcome_unknown);
    check(none(true), false, Next::elsewhere, Errc::connection_lost);
    check(none(true, true), false, Next::elsewhere, Errc::timed_out);
    check(none(true), true, Next::failed, Errc::outcome_unknown);
    check(none(true, true), true, Next::failed, Errc::outcome_unknown);
}

TEST_CASE("etcd outcome: what is refused was not done", "[coord]") {
    for (const bool changes : {false, true}) {
        const auto refused = [&](int status, int code, const std::string& message, Errc as) {
            check(reply(status, refusal(code, message)), changes, Next::failed, as);
        };
        refused(400, 3, "etcdserver: duplicate key given in txn request", Errc::invalid_argument);
        refused(400, 3, "etcdserver: request is too large", Errc::request_too_large);
        refused(400, 3, "etcdserver: authentication failed, invalid user ID or password",
                Errc::unauthenticated);
        refused(400, 3, "etcdserver: user name is empty", Errc::unauthenticated);
        refused(404, 5, "etcdserver: requested lease not found", Errc::not_found);
        refused(403, 7, "etcdserver: permission denied", Errc::forbidden);
        refused(412, 9, "etcdserver: authentication is not enabled", Errc::invalid_argument);
        refused(400, 11, "etcdserver: mvcc: required revision is a future revision",
                Errc::invalid_argument);
        refused(501, 12, "Method Not Allowed", Errc::unsupported_version);
        refused(401, 16, "etcdserver: who are you", Errc::unauthenticated);
        check(reply(401, refusal(16, "etcdserver: invalid auth token")), changes,
              Next::authenticate, Errc::unauthenticated);
        check(reply(400, refusal(3, "etcdserver: revision of auth store is old")), changes,
              Next::authenticate, Errc::unauthenticated);
    }
    // Watches of 3.4.21 say this of a token that has ended.
    CHECK(verdict_of(
              {0, "rpc error: code = PermissionDenied desc = etcdserver: permission denied"}) ==
          EtcdVerdict::stale_token);
    CHECK(verdict_of({7, "etcdserver: permission denied"}) == EtcdVerdict::refused);
    CHECK(verdict_of({0, "etcdserver: no leader"}) == EtcdVerdict::may_be_done);
}

TEST_CASE("etcd outcome: what may have been done, and what may be asked elsewhere", "[coord]") {
    const auto maybe = [](int status, const std::string& body, Errc as) {
        check(reply(status, body), true, Next::failed, Errc::outcome_unknown);
        check(reply(status, body), false, Next::elsewhere, as);
    };
    maybe(503, refusal(14, "etcdserver: request timed out"), Errc::not_ready);
    maybe(504, refusal(4, "context deadline exceeded"), Errc::timed_out);
    // The transaction that comes upon the end of the space is done nevertheless.
    maybe(429, refusal(8, "etcdserver: mvcc: database space exceeded"), Errc::busy);
    maybe(500, refusal(2, "unknown"), Errc::busy);
    maybe(404, "Not Found\n", Errc::malformed);
    maybe(502, "", Errc::malformed);
    // A stream's error, though its status is good.
    maybe(200, R"({"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader"}})",
          Errc::not_ready);
}

TEST_CASE("etcd outcome: an answer", "[coord]") {
    const EtcdOutcome outcome = outcome_of(reply(200, "{}"), true);
    CHECK(outcome.next == Next::answered);
    CHECK(outcome.reply == "{}");
}

}  // namespace skald::coord
