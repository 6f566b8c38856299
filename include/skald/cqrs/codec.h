// The bytes of an event, when they are not JSON by fields: the application's own format, or a
// FlatBuffers table (flatbuffers.h). Decoding never trusts its input: it comes from the log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "skald/cqrs/json.h"
#include "skald/event.h"
#include "skald/result.h"

namespace skald::cqrs {

template <typename T>
struct Codec {
    std::string content_type;
    std::function<Result<std::string>(const T&)> encode;
    // Into a fresh object. The error's message says what was expected.
    std::function<Result<void>(std::string_view, T&)> decode;
};

// Faults of a description: the process aborts and says which.
void check_version(std::string_view type, std::uint32_t version);
void check_nested(std::string_view type, bool fields_only);
void check_field(std::string_view type, std::string_view field, std::size_t fields, bool doubled);

// The same error with the type's name in front.
Error naming(std::string_view type, const Error& error);

}  // namespace skald::cqrs
