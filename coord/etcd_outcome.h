// How a request to etcd ended, and what to do then.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "coord/http_client.h"
#include "skald/result.h"

namespace skald::coord {

// An error of etcd's, in a reply or on a watch.
struct EtcdRefusal {
    int code = 0;  // of gRPC: 0 when it names none
    std::string message;
    bool operator==(const EtcdRefusal&) const = default;
};
// None when the text is no such thing.
std::optional<EtcdRefusal> etcd_refusal(std::string_view reply);

// What an error says of the request.
enum class EtcdVerdict : std::uint8_t {
    refused,      // for sure nothing was done, here or anywhere
    stale_token,  // the same, until the user has shown the password again
    may_be_done,  // unless it changes nothing: then another member may answer
};
EtcdVerdict verdict_of(const EtcdRefusal& refusal);
// As callers see it who asked for nothing to be changed, or for whom nothing was.
Error error_of(const EtcdRefusal& refusal);

struct EtcdOutcome {
    enum class Next : std::uint8_t {
        answered,
        failed,
        elsewhere,     // ask another member; `error` when there is none left
        authenticate,  // and ask again
    };
    Next next = Next::failed;
    std::string reply;  // answered
    Error error;        // the rest
};
// `changes`: it must not be done twice.
EtcdOutcome outcome_of(HttpEnd end, bool changes);

}  // namespace skald::coord
