// Envelopes: the first frame of every message, between our structs and FlatBuffers.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "skald/result.h"
#include "wire/messages.h"

namespace skald::wire {

inline constexpr std::size_t kEnvelopeBytesMax = std::size_t{1} << 20;
// Requests that one Append carries: beyond, malformed.
inline constexpr std::uint32_t kAppendRequestsMax = 4096;
inline constexpr std::size_t kInlineRequestBytesMax = std::size_t{64} << 10;

// Writes envelopes into one buffer of its own that it keeps. Not thread safe. Bytes that encode()
// returns are valid until the next call.
class EnvelopeEncoder {
  public:
    EnvelopeEncoder();
    ~EnvelopeEncoder();
    EnvelopeEncoder(EnvelopeEncoder&&) noexcept;
    EnvelopeEncoder& operator=(EnvelopeEncoder&&) noexcept;

    Bytes encode(const msg::Append& message);
    Bytes encode(const msg::FromClient& message);
    Bytes encode(const msg::FromNode& message);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// Verifies a frame that came from a socket, whatever it holds, and takes it apart: `malformed` when
// it is not an envelope, holds a message of the other side or of no known kind, or a value out of
// range. The frame must begin on a multiple of 8; see aligned(). Spans in the message point into
// it.
Result<msg::FromClient> decode_from_client(Bytes frame);
Result<msg::FromNode> decode_from_node(Bytes frame);

inline bool aligned(Bytes frame) {
    return reinterpret_cast<std::uintptr_t>(frame.data()) % 8 == 0;
}

}  // namespace skald::wire
