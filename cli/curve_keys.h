// CURVE keys: made, written as Z85 text (ZeroMQ RFC 32), kept in files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "skald/result.h"

namespace skald::cli {

// 40 characters each.
struct CurveKeys {
    std::string public_key;
    std::string secret_key;
};

CurveKeys make_curve_keys();
// invalid_argument when it is no secret key.
Result<CurveKeys> key_pair_of(std::string_view secret_key);

// A key file holds the secret key and a line break, and belongs to its owner alone (mode 0600).
// already_exists rather than overwrite; io_error.
Result<void> write_secret_key(const std::string& path, std::string_view secret_key);
// not_found, io_error; invalid_argument when it is no key file, or others may read it.
Result<std::string> read_secret_key(const std::string& path);

// `bytes` in fives of characters for fours of bytes; its size must be a multiple of 4.
std::string z85_encode(std::string_view bytes);
// nullopt for a wrong length or character, or a group beyond 32 bits.
std::optional<std::string> z85_decode(std::string_view text);

}  // namespace skald::cli
