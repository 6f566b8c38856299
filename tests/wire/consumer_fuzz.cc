// Any bytes as each message and record of consumers: nothing but an error may come of it, and what
// is decoded is encoded again.
#include "tests/wire/frame.h"
#include "wire/consumer_messages.h"
#include "wire/consumer_record.h"

namespace {

template <typename Message>
void try_one(skald::Result<Message> message) {
    if (message) {
        (void)skald::wire::encode(*message);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
    using namespace skald::wire;
    const Frame frame(std::as_bytes(std::span(input, size)));
    if (auto request = decode_consumer_request(frame.bytes())) {
        (void)encode(*request);
        if (request->settings) {
            (void)check_settings(*request->settings);
        }
    }
    try_one(decode_consumer_reply(frame.bytes()));
    try_one(decode_member_request(frame.bytes()));
    try_one(decode_member_reply(frame.bytes()));
    try_one(decode_consumer_record(frame.bytes()));
    try_one(decode_catalogue(frame.bytes()));
    return 0;
}
