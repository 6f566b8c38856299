#include "wire/consumer_chain.h"

#include <fmt/format.h>

#include <charconv>

namespace skald::wire {
namespace {

Error damaged(std::string_view stream, Offset offset, std::string_view why) {
    Error error(Errc::corrupt, fmt::format("the control record of {} at offset {}: {}", stream,
                                           offset.value, why));
    error.offset = offset.value;
    return error;
}

// What was met of a whole record on the way back: a crash may have left some of its parts out.
class WholeMet {
  public:
    // True when the record is the first part and all others stand right behind it.
    bool begins_with(const ConsumerRecord& record) {
        const bool last = record.part < record.parts && record.part + 1 == record.parts;
        const bool joins =
            last || (record.parts != 0 && record.parts == parts_ && record.part + 1 == first_);
        parts_ = joins ? record.parts : 0;
        first_ = record.part;
        return joins && record.part == 0;
    }

  private:
    std::uint32_t parts_ = 0;  // of the one whose last parts were met; 0: of none
    std::uint32_t first_ = 0;  // of these parts
};

}  // namespace

std::string stream_of(const CatalogueEntry& entry) {
    return fmt::format("{}{}/{}", kConsumerStream, entry.settings.name, entry.born);
}

std::optional<std::uint64_t> born_of(std::string_view stream) {
    const std::size_t slash = stream.rfind('/');
    if (!stream.starts_with(kConsumerStream) || slash < kConsumerStream.size()) {
        return std::nullopt;
    }
    const char* end = stream.data() + stream.size();
    std::uint64_t born = 0;
    const auto read = std::from_chars(stream.data() + slash + 1, end, born);
    return read.ec == std::errc() && read.ptr == end ? std::optional(born) : std::nullopt;
}

Result<Offset> walk_chain(std::string_view stream, Offset newest, const ControlData& data,
                          const ChainVisit& visit) {
    WholeMet whole;
    for (Offset at = newest;;) {
        auto bytes = data(at);
        if (!bytes) {
            return bytes.error();
        }
        auto record = decode_consumer_record(as_bytes(*bytes));
        if (!record) {
            return damaged(stream, at, record.error().message);
        }
        const std::uint64_t previous = record->previous;
        const bool first = previous == 0 || whole.begins_with(*record);
        if (!first && previous > at.value) {
            return damaged(stream, at, fmt::format("it rests on offset {}", previous - 1));
        }
        visit(at, std::move(*record));
        if (first) {
            return at;
        }
        at = Offset{previous - 1};
    }
}

Result<ConsumerCatalogue> read_catalogue(Offset offset, std::string_view data) {
    auto catalogue = decode_catalogue(as_bytes(data));
    return catalogue ? std::move(catalogue)
                     : damaged(kCatalogueStream, offset, catalogue.error().message);
}

}  // namespace skald::wire
