// An append on its way to the log: what a client sends, and what a store hands to its writer.
// docs/protocol.md, section "Append request".
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "skald/event_store.h"
#include "wire/record.h"

namespace skald::wire {

inline constexpr std::uint32_t kRequestMagic = 0x31524B53;  // "SKR1"
inline constexpr std::uint16_t kRequestVersion = 1;

enum RequestFlags : std::uint16_t {
    kRequestCheckIds = 1,
    kRequestAckPrimary = 2,
    kRequestControl = 4,  // made by a store for itself: a lifecycle change; refused from a socket
};

// 64 bytes; then, each beginning on a multiple of 8 and the gaps zero:
//   sections       16 bytes each: streams, then checks; no stream stands twice
//   names          u32 each: where the name ends in the names text; it begins where the one before
//                  ends. Streams, types and the fence in any order
//   id halves      8 bytes each: the first halves of event ids
//   record places  u32 each: where the record begins, from the start of the request
//   names text
//   query          wire/query.h
//   records        wire/record.h, to the end of the request
// The producer is not in it: it belongs to the session or the store that hands the request on.
struct RequestHeader {
    std::uint32_t magic = kRequestMagic;
    std::uint16_t version = kRequestVersion;
    std::uint16_t flags = 0;
    std::uint32_t bytes = 0;
    std::uint32_t crc = 0;  // crc32c of what stands before and after this field
    std::uint16_t streams = 0;
    std::uint16_t checks = 0;
    std::uint16_t names = 0;
    std::uint16_t id_halves = 0;
    std::uint32_t records = 0;
    std::uint32_t names_bytes = 0;
    std::uint64_t fence_token = 0;
    std::uint64_t query_from = 0;
    std::uint32_t query_bytes = 0;  // 0: no query check
    std::uint16_t fence = 0xffff;   // name of the fence; 0xffff for none
    std::uint16_t zero = 0;
    std::uint64_t reserved = 0;
};
static_assert(sizeof(RequestHeader) == 64);

// The first of several requests that stand one behind the other, each beginning on a multiple of 8
// behind the one before: its bytes as its header says; empty when they cannot be.
Bytes first_request(Bytes requests);

// What the header's crc must be.
std::uint32_t request_crc(Bytes request);

// A stream that is written (its records follow those of the sections before it) or only checked.
struct RequestSection {
    std::uint16_t name = 0;
    std::uint8_t expected = 0;  // Expected::Kind
    std::uint8_t zero = 0;
    std::uint32_t records = 0;
    std::uint64_t version = 0;

    Expected expectation() const;
};
static_assert(sizeof(RequestSection) == 16);

// Makes event ids that share their first half: a random UUIDv8 half for this source, and a counter
// behind it that begins at a random number. Not thread safe.
class IdSource {
  public:
    IdSource();  // from the system's randomness
    Uuid next();

  private:
    Uuid id_;
    std::uint64_t counter_ = 0;
};

// Of all events of an append; `data` is bytes.
struct AppendSize {
    std::size_t events = 0;
    std::size_t data = 0;
};
// Checks it against every limit and rule that needs no log. Errors: those of encode_request, whose
// first step this is.
Result<AppendSize> check_append(const Append& append);

// What encode_request settled for the caller's receipt.
struct EncodedRequest {
    std::string bytes;
    Uuid last_id;
};
// Checks the request against every limit and rule that needs no log, and encodes it, into
// `memory`'s room where that is enough. Errors: invalid_argument, invalid_stream_name,
// invalid_event, event_too_large, request_too_large.
Result<EncodedRequest> encode_request(const Append& append, IdSource& ids, std::string memory = {});
// A control record of ours under `stream`'s name.
EncodedRequest encode_control(std::string_view stream, Expected expected, const NewEvent& event,
                              IdSource& ids);

// Sets an encoded request's query_from, which a control request uses for what it rests on.
void set_query_from(std::string& request, std::uint64_t query_from);

// A request in somebody else's memory, at any alignment.
class RequestView {
  public:
    // Verifies everything: shape, crc, names, records, limits. `control` admits control requests,
    // all of whose records are control records. Never allocates when it succeeds. Errors:
    // malformed, unsupported_version, invalid_stream_name, invalid_event, event_too_large,
    // request_too_large.
    static Result<RequestView> open(Bytes bytes, bool control = false);

    const RequestHeader& header() const { return header_; }
    Bytes bytes() const { return bytes_; }
    // All of its records are control records.
    bool control() const { return (header_.flags & kRequestControl) != 0; }
    RequestSection stream(std::uint32_t i) const { return section(i); }
    RequestSection check(std::uint32_t i) const { return section(header_.streams + i); }
    std::string_view name(std::uint16_t index) const;
    // Of the fence; empty without one.
    std::string_view fence() const;
    std::array<std::uint8_t, 8> id_half(std::uint16_t index) const;
    Bytes record_bytes(std::uint32_t i) const;
    RecordPrefix record_prefix(std::uint32_t i) const;
    Uuid record_id(std::uint32_t i) const;
    bool has_query() const { return header_.query_bytes != 0; }
    Query query() const;

  private:
    RequestSection section(std::size_t i) const;
    std::uint32_t place(std::uint32_t i) const;
    bool lay_out();
    bool names_in_order() const;
    Result<void> check_limits() const;
    Result<void> check_sections() const;
    Result<void> check_fence_and_query() const;
    Result<void> check_records() const;
    Result<void> check_record_at(std::uint32_t i, std::uint16_t stream) const;
    bool streams_differ() const;

    Bytes bytes_;
    RequestHeader header_;
    std::size_t names_at_ = 0;
    std::size_t id_halves_at_ = 0;
    std::size_t places_at_ = 0;
    std::size_t text_at_ = 0;
    std::size_t query_at_ = 0;
    std::size_t records_at_ = 0;
};

}  // namespace skald::wire
