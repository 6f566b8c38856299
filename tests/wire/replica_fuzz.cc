// Any bytes as the messages of replicas, and as a batch that comes along with one: nothing but an
// error may come of it, and what is decoded is encoded again.
#include "tests/wire/frame.h"
#include "wire/replica_messages.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
    using namespace skald::wire;
    const Frame frame(std::as_bytes(std::span(input, size)));
    if (const auto message = decode_replica_message(frame.bytes())) {
        (void)encode(*message);
    }
    (void)batch_heads({frame.bytes()});
    return 0;
}
