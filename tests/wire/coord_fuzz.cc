// Any bytes as the messages of coordination: nothing but an error may come of it, and what is
// decoded is encoded again.
#include "tests/wire/frame.h"
#include "wire/coord_messages.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
    using namespace skald::wire;
    const Frame frame(std::as_bytes(std::span(input, size)));
    if (const auto request = decode_coord_request(frame.bytes())) {
        (void)encode(*request);
    }
    if (const auto reply = decode_coord_reply(frame.bytes())) {
        (void)encode(*reply);
    }
    return 0;
}
