// What can go wrong outside our own code, as numbers that callers and scripts may rely on.
// docs/errors.md says for each: was anything written, is a retry safe, which exit status.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace skald {

// A code exists only where some caller reacts to it. The hundreds digit is its class.
enum class Errc : std::uint16_t {
    // usage: the request can never succeed as it stands
    invalid_argument = 100,
    invalid_stream_name = 101,
    invalid_event = 102,
    invalid_id = 103,
    invalid_position = 104,
    event_too_large = 105,
    request_too_large = 106,
    malformed = 107,
    unsupported_version = 108,
    cross_partition = 109,
    sequence_gap = 110,
    handler_failed = 111,
    // auth
    unauthenticated = 200,
    forbidden = 201,
    // not_found
    not_found = 300,
    stream_not_found = 301,
    stream_deleted = 302,
    stream_tombstoned = 303,
    // conflict: the state of the log is not the one the request was made for
    wrong_expected_version = 400,
    check_failed = 401,
    partly_repeated = 402,
    fenced = 403,
    already_rejected = 404,
    already_exists = 405,
    already_open = 406,
    log_truncated = 407,
    wrong_lineage = 408,
    // network
    connection_lost = 500,
    address_in_use = 501,
    unreachable = 502,
    // unavailable: nothing was written, try again later or elsewhere
    busy = 600,
    shutting_down = 601,
    not_ready = 602,
    // timeout
    timed_out = 700,
    outcome_unknown = 701,
    // storage
    io_error = 800,
    disk_full = 801,
    map_full = 802,
    corrupt = 803,
    unknown_format = 804,
    read_only = 805,
    store_failed = 806,
};

enum class ErrorClass : std::uint8_t {
    usage = 1,
    auth,
    not_found,
    conflict,
    network,
    unavailable,
    timeout,
    storage,
};

// The name in --json output and documents, as `wrong_expected_version`.
std::string_view name_of(Errc code);
std::string_view name_of(ErrorClass error_class);
ErrorClass class_of(Errc code);

// The exit status of a program that ends because of this error (surface.md): 1, 2, 3, 4, 5 or 6.
int exit_status_of(Errc code);

// One failed check of an append. Versions are those of Expected and StreamInfo: -1 means no stream.
struct Conflict {
    std::string stream;        // or the query, written out, when a query check failed
    std::string expected;      // "any", "none", "exists" or a version
    std::int64_t actual = -1;  // the stream's last version, or the offset that matched the query
    bool operator==(const Conflict&) const = default;
};

struct Error {
    Errc code = Errc::invalid_argument;
    std::string message;                  // one line: what, where, what to do
    std::vector<Conflict> conflicts;      // every failed check, for codes 400 and 401
    std::optional<std::uint64_t> offset;  // log_truncated: the fork; corrupt: the place

    Error() = default;
    Error(Errc c, std::string m) : code(c), message(std::move(m)) {}
    bool operator==(const Error&) const = default;
};

}  // namespace skald
