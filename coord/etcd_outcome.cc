#include "coord/etcd_outcome.h"

#include <fmt/format.h>

#include <algorithm>

#include "coord/record.h"

namespace skald::coord {
namespace {

// Of gRPC.
enum Code : int {
    kInvalidArgument = 3,
    kDeadlineExceeded = 4,
    kNotFound = 5,
    kPermissionDenied = 7,
    kFailedPrecondition = 9,
    kOutOfRange = 11,
    kUnimplemented = 12,
    kUnavailable = 14,
    kUnauthenticated = 16,
};

constexpr int kOk = 200;  // of HTTP

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

EtcdOutcome failed(Errc code, std::string message) {
    return {EtcdOutcome::Next::failed, {}, {code, std::move(message)}};
}

EtcdOutcome elsewhere(Error error) {
    return {EtcdOutcome::Next::elsewhere, {}, std::move(error)};
}

EtcdOutcome unanswered(const HttpEnd& end, bool changes) {
    if (end.busy) {
        return failed(Errc::busy, end.why);
    }
    if (end.unfit) {
        return failed(Errc::invalid_argument, end.why);
    }
    if (end.distrusted) {
        return elsewhere(
            {Errc::unreachable,
             end.why + ": its certificate is to be for that host, and from whom ca_file names"});
    }
    if (!end.sent) {
        return elsewhere({Errc::unreachable, end.why});
    }
    if (changes) {
        return failed(Errc::outcome_unknown, end.why);
    }
    return end.too_large
               ? failed(Errc::request_too_large, end.why + ": ask for fewer keys")
               : elsewhere({end.timed_out ? Errc::timed_out : Errc::connection_lost, end.why});
}

}  // namespace

// A call's stands in the reply itself, a stream's in an object of its own.
std::optional<EtcdRefusal> etcd_refusal(std::string_view reply) {
    // What is large is none: it is parsed once only.
    if (reply.find("\"error\"") == std::string_view::npos) {
        return std::nullopt;
    }
    const Record record = record_of(reply);
    const auto it = record.find("error");
    if (it == record.end()) {
        return std::nullopt;
    }
    const bool stream = it->is_object();
    const Record& error = stream ? *it : record;
    EtcdRefusal refusal;
    refusal.code = static_cast<int>(std::clamp<std::int64_t>(
        number_in(error, stream && error.contains("grpc_code") ? "grpc_code" : "code"), 0, 99));
    refusal.message = text_in(error, "message");
    if (refusal.message.empty()) {
        refusal.message = text_in(record, "error");
    }
    return refusal;
}

EtcdVerdict verdict_of(const EtcdRefusal& refusal) {
    // The last is what watches say of old tokens before 3.4.22; that one is refused has a code.
    if (has(refusal.message, "invalid auth token") ||
        has(refusal.message, "revision of auth store is old") ||
        (refusal.code == 0 && has(refusal.message, "permission denied"))) {
        return EtcdVerdict::stale_token;
    }
    switch (refusal.code) {
        case kInvalidArgument:
        case kNotFound:
        case kPermissionDenied:
        case kFailedPrecondition:
        case kOutOfRange:
        case kUnimplemented:
        case kUnauthenticated:
            return EtcdVerdict::refused;
        default:
            // Even what sounds certain: with "database space exceeded" the transaction that came
            // upon the end of the space was done.
            return EtcdVerdict::may_be_done;
    }
}

Error error_of(const EtcdRefusal& refusal) {
    const auto as = [&](Errc code) { return Error(code, refusal.message); };
    switch (refusal.code) {
        case kInvalidArgument:
            // Wrong passwords are among them, and none.
            return as(has(refusal.message, "authentication failed") ||
                              has(refusal.message, "user name is empty")
                          ? Errc::unauthenticated
                      : has(refusal.message, "too large") ? Errc::request_too_large
                                                          : Errc::invalid_argument);
        case kNotFound:
            return as(Errc::not_found);
        case kPermissionDenied:
            return as(Errc::forbidden);
        case kFailedPrecondition:
        case kOutOfRange:
            return as(Errc::invalid_argument);
        case kUnauthenticated:
            return as(Errc::unauthenticated);
        case kUnimplemented:
            return as(Errc::unsupported_version);
        case kDeadlineExceeded:
            return as(Errc::timed_out);
        case kUnavailable:
            return as(Errc::not_ready);
        default:
            return as(Errc::busy);
    }
}

EtcdOutcome outcome_of(HttpEnd end, bool changes) {
    if (end.status == 0) {
        return unanswered(end, changes);
    }
    const auto refusal = etcd_refusal(end.body);
    if (!refusal && end.status == kOk) {
        return {EtcdOutcome::Next::answered, std::move(end.body), {}};
    }
    if (!refusal) {
        const std::string message =
            fmt::format("HTTP status {} without a word of etcd", end.status);
        return changes ? failed(Errc::outcome_unknown, message)
                       : elsewhere({Errc::malformed, message});
    }
    switch (verdict_of(*refusal)) {
        case EtcdVerdict::refused:
            return {EtcdOutcome::Next::failed, {}, error_of(*refusal)};
        case EtcdVerdict::stale_token:
            return {EtcdOutcome::Next::authenticate, {}, {Errc::unauthenticated, refusal->message}};
        case EtcdVerdict::may_be_done:
            break;
    }
    return changes ? failed(Errc::outcome_unknown, refusal->message)
                   : elsewhere(error_of(*refusal));
}

}  // namespace skald::coord
