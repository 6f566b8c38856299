// Any bytes as an envelope of either side: nothing but an error may come of it.
#include <cstdint>
#include <cstring>
#include <vector>

#include "wire/envelope.h"
#include "wire/request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
    std::vector<std::uint64_t> aligned(size / sizeof(std::uint64_t) + 1);
    if (size != 0) {
        std::memcpy(aligned.data(), input, size);
    }
    const skald::Bytes frame(reinterpret_cast<const std::byte*>(aligned.data()), size);
    skald::wire::EnvelopeEncoder encoder;
    if (auto message = skald::wire::decode_from_client(frame)) {
        if (const auto* append = std::get_if<skald::wire::msg::Append>(&*message)) {
            (void)skald::wire::RequestView::open(append->request);
        }
        (void)encoder.encode(*message);
    }
    if (auto message = skald::wire::decode_from_node(frame)) {
        (void)encoder.encode(*message);
    }
    return 0;
}
