#include "broker/consumers/consumer_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace skald::broker {
namespace {

constexpr std::string_view kContentType = "application/x-skald-consumer";

Error damaged(std::string_view stream, const Error& why) {
    return {Errc::corrupt, fmt::format("a control record of {}: {}", stream, why.message)};
}

wire::RequestView opened(const std::string& bytes) {
    auto view = wire::RequestView::open(as_bytes(bytes), true);
    SKALD_CHECK(view, "a control record of ours is a request");
    return *view;
}

// Whether it is the first part of all there is, with the others right behind it: a crash may have
// left some of them out. `found` is what stands behind it, from the last on.
bool begins_anew(const wire::ConsumerRecord& record,
                 const std::vector<wire::ConsumerRecord>& found) {
    if (record.parts == 0 || record.part != 0 || found.size() + 1 < record.parts) {
        return false;
    }
    for (std::uint32_t part = 1; part < record.parts; ++part) {
        const wire::ConsumerRecord& next = found[found.size() - part];
        if (next.parts != record.parts || next.part != part) {
            return false;
        }
    }
    return true;
}

}  // namespace

Result<CatalogueFound> load_catalogue(store::Volume& volume) {
    auto last = volume.last_control(wire::kCatalogueStream);
    if (!last) {
        return last.error();
    }
    if (!*last) {
        return CatalogueFound{};
    }
    auto catalogue = wire::decode_catalogue(as_bytes((*last)->data));
    if (!catalogue) {
        return damaged(wire::kCatalogueStream, catalogue.error());
    }
    return CatalogueFound{std::move(*catalogue), (*last)->offset.value + 1};
}

std::string stream_of(const wire::CatalogueEntry& entry) {
    return fmt::format("{}{}/{}", wire::kConsumerStream, entry.settings.name, entry.born);
}

Result<RecordsFound> load_records(store::Volume& volume, const std::string& stream) {
    auto last = volume.last_control(stream);
    if (!last) {
        return last.error();
    }
    RecordsFound found;
    if (!*last) {
        return found;
    }
    found.previous = (*last)->offset.value + 1;
    std::string data = std::move((*last)->data);
    for (;;) {
        auto record = wire::decode_consumer_record(as_bytes(data));
        if (!record) {
            return damaged(stream, record.error());
        }
        const std::uint64_t previous = record->previous;
        const bool first = previous == 0 || begins_anew(*record, found.records);
        found.records.push_back(std::move(*record));
        if (first) {
            break;
        }
        auto before = volume.control_at(stream, Offset{previous - 1});
        if (!before) {
            return before.error();
        }
        data = std::move(*before);
    }
    std::reverse(found.records.begin(), found.records.end());
    return found;
}

ControlWrite::ControlWrite(std::string_view stream, std::string_view type, std::string data,
                           std::uint64_t previous, wire::IdSource& ids)
    : bytes_([&] {
          NewEvent record;
          record.type = type;
          record.content_type = kContentType;
          record.data = std::move(data);
          auto encoded = wire::encode_control(stream, Expected::any(), record, ids);
          wire::set_query_from(encoded.bytes, previous);
          return std::move(encoded.bytes);
      }()),
      view_(opened(bytes_)) {}

}  // namespace skald::broker
