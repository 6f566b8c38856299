// Any bytes with a right crc are refused, or are a request that can be read and built into a batch.
#include <cstring>
#include <vector>

#include "base/check.h"
#include "wire/batch_builder.h"
#include "wire/request.h"

namespace {

using namespace skald;

// Gives the bytes the size and crc their header should have, so that what lies behind is reached.
std::string repaired(const std::uint8_t* input, std::size_t size) {
    std::string bytes(reinterpret_cast<const char*>(input), size);
    if (size >= sizeof(wire::RequestHeader)) {
        store_le(bytes.data() + offsetof(wire::RequestHeader, bytes),
                 static_cast<std::uint32_t>(size));
        store_le(bytes.data() + offsetof(wire::RequestHeader, crc),
                 wire::request_crc(as_bytes(bytes)));
    }
    return bytes;
}

void read_all(const wire::RequestView& request) {
    std::size_t seen = request.fence().size() + request.query().items.size();
    for (std::uint32_t i = 0; i < request.header().checks; ++i) {
        seen += request.name(request.check(i).name).size();
        seen += to_string(request.check(i).expectation()).size();
    }
    SKALD_CHECK(seen < request.bytes().size() + 65536, "more was read than is there");
}

void build(const wire::RequestView& request) {
    wire::BatchBuilder builder;
    builder.begin(Epoch{1}, Offset{0}, {});
    const std::vector<Version> versions(request.header().streams);
    builder.add(request, versions, nullptr);
    const std::size_t bound = builder.bytes();
    const std::string bytes = builder.finish(Offset{0}, 1);
    SKALD_CHECK(bytes.size() <= bound, "the batch is larger than it said");
    const auto batch = wire::BatchView::open(as_bytes(bytes));
    SKALD_CHECK(batch && batch->verify(), "the batch of a good request is bad");
    SKALD_CHECK(batch->size() == request.header().records, "a record was lost");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
    const std::string bytes = repaired(input, size);
    const auto outside = wire::RequestView::open(as_bytes(bytes));
    const auto request = wire::RequestView::open(as_bytes(bytes), true);
    SKALD_CHECK(!outside || request, "what clients may send is refused to the store");
    if (request) {
        read_all(*request);
        build(*request);
    }
    return 0;
}
