#include "broker/consumers/consumer_log.h"

#include <algorithm>

#include "base/check.h"

namespace skald::broker {
namespace {

constexpr std::string_view kContentType = "application/x-skald-consumer";

wire::RequestView opened(const std::string& bytes) {
    auto view = wire::RequestView::open(as_bytes(bytes), true);
    SKALD_CHECK(view, "a control record of ours is a request");
    return *view;
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
    auto catalogue = wire::read_catalogue((*last)->offset, (*last)->data);
    if (!catalogue) {
        return catalogue.error();
    }
    return CatalogueFound{std::move(*catalogue), (*last)->offset.value + 1};
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
    auto first = wire::walk_chain(
        stream, (*last)->offset, [&](Offset offset) { return volume.control_at(stream, offset); },
        [&found](Offset, wire::ConsumerRecord record) {
            found.records.push_back(std::move(record));
        });
    if (!first) {
        return first.error();
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
